from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from corpus.engine.errors import UserError
from corpus.shards.conversations.registry import conversations
from corpus.shards.conversations.render import plain, token_counter
from corpus.shards.conversations.schema import Conversation, for_template
from tests.shards.conversations.examples import EXAMPLES

CHATML = """{%- if tools %}<|im_start|>tools
{{ tools | tojson }}<|im_end|>
{% endif %}{% for message in messages %}{% if message.role == 'assistant' %}<|im_start|>assistant
{% generation %}{{ message.content }}{% if 'tool_calls' in message %}{% for call in message.tool_calls %}
{{ call.function.name }} {{ call.function.arguments | tojson }} {{ call.function.arguments.city }}{% endfor %}{% endif %}<|im_end|>{% endgeneration %}
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{% endfor %}"""


def write_tokenizer(folder: Path, **settings: Any) -> str:
    words = [
        "[UNK]",
        "<|im_start|>",
        "<|im_end|>",
        *'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:.,?!{}[]"_\n ',
    ]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return str(folder)


def conversation(name: str) -> Conversation:
    (found,) = conversations(EXAMPLES[name][0])
    assert isinstance(found, Conversation)
    return found


def test_the_plain_form_is_as_documented() -> None:
    found = conversation("toolalpaca")
    assert plain(found.messages, found.tools_json) == (
        f"tools:\n{found.tools_json}\n\nuser:\nTime in Oslo?\n\n"
        'assistant:\ncall: {"name": "time", "arguments": {"city": "Oslo"}}\n\ntool:\n12:00\n\nassistant:\nNoon.'
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_lengths_are_those_of_the_chat_template_in_transformers(tmp_path: Path, name: str) -> None:
    transformers = pytest.importorskip("transformers")
    folder = write_tokenizer(tmp_path / "t", chat_template=CHATML)
    counter = token_counter(folder)
    assert counter is not None
    found = conversation(name)
    messages, tools = found.messages, found.tools_json
    theirs = transformers.AutoTokenizer.from_pretrained(folder).apply_chat_template(
        **for_template(messages, tools), return_dict=True
    )["input_ids"]
    assert counter(messages, tools) == len(theirs) > 10


def test_a_template_for_tools_is_used_where_there_are_tools(tmp_path: Path) -> None:
    both = [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "aaaa"}]
    counter = token_counter(write_tokenizer(tmp_path / "t", chat_template=both))
    assert counter is not None
    assert [counter([], tools) for tools in (None, "[{}]")] == [1, 4]


def test_a_template_in_a_file_of_its_own_is_found(tmp_path: Path) -> None:
    folder = write_tokenizer(tmp_path / "t")
    assert token_counter(folder) is None
    (tmp_path / "t" / "chat_template.jinja").write_text("abc")
    token_counter.cache_clear()
    counter = token_counter(folder)
    assert counter is not None and counter([], None) == 3


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{{ messages[7].x.y }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ strftime_now('%Y') }}",
    ],
)
def test_what_a_template_refuses_or_may_not_do_has_no_length(tmp_path: Path, template: str) -> None:
    counter = token_counter(write_tokenizer(tmp_path / "t", chat_template=template))
    assert counter is not None and counter([], None) is None


def test_a_broken_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"chat template in .* is broken"):
        token_counter(write_tokenizer(tmp_path / "t", chat_template="{% for %}"))
