"""Which chat template writes the conversations of a run: that of the tokenizer, or a plain one.

The plain one is the form of the column `text` in conversation shards, with the end token behind each turn of
the assistant, so that a model learns to stop there:

    tools:
    [{"type": "function", ...}]

    user:
    What is the time in Oslo?

    assistant:
    call: {"name": "time", "arguments": {"city": "Oslo"}}<end>

    tool:
    12:00
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from training.data.tokens import Tokenizer

_PLAIN = (
    "{%- if tools %}{{ 'tools:\\n' + (tools | tojson) + '\\n\\n' }}{% endif %}"
    "{%- for message in messages %}"
    "{{- message.role + ':\\n' }}"
    "{%- if message.role == 'assistant' %}{% generation %}"
    "{{- message.content or '' }}"
    "{%- for call in message.tool_calls or [] %}"
    "{{- '\\n' if message.content or not loop.first else '' }}"
    "{{- 'call: {\"name\": ' + (call.function.name | tojson) }}"
    "{{- ', \"arguments\": ' + (call.function.arguments | tojson) + '}' }}"
    "{%- endfor %}{{- eos_token }}{% endgeneration %}"
    "{%- else %}{{- message.content or '' }}{% endif %}"
    "{{- '' if loop.last else '\\n\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '\\n\\nassistant:\\n' }}{% endif %}"
)
# The library notes where the assistant speaks in an object that all users of a template share.
_WRITING = threading.Lock()
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")

Messages = Sequence[Mapping[str, Any]]


def chat_template_of(tokenizer: Tokenizer) -> str:
    """The plain template for this tokenizer, to be saved with a model that was trained with it."""
    return ("{{- bos_token }}" if tokenizer.encoder.bos is not None else "") + _PLAIN


class Template:
    """Writes conversations."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, own = tokenizer.loaded, tokenizer.loaded.chat_template
        self._plain = None if own else chat_template_of(tokenizer)

    def source(self, tools: Any) -> str:
        """The template for a conversation; tokenizers may have one of their own for tools."""
        return self._plain or str(self._tokenizer.get_chat_template(tools=tools))

    def write(
        self, messages: Messages, tools: Any, *, prompt: bool = False
    ) -> tuple[str, list[tuple[int, int]] | None]:
        """The text, and where in it the assistant speaks; None where the template does not mark it.

        `prompt` ends the text with the beginning of the assistant's turn. Raises what the template raises.
        """
        from transformers.utils.chat_template_utils import render_jinja_template

        source = self.source(tools)
        marks = bool(_GENERATION.search(source))
        with _WRITING:
            texts, spans = render_jinja_template(
                conversations=[list(messages)],
                tools=tools,
                chat_template=source,
                return_assistant_tokens_mask=marks,
                add_generation_prompt=prompt,
                **self._tokenizer.special_tokens_map,
            )
        return texts[0], [(int(a), int(b)) for a, b in spans[0]] if marks else None
