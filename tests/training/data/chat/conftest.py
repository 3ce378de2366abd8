from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.data.tokens import Tokenizer

Make = Callable[..., Tokenizer]

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if m.role == 'assistant' %}GEN"
    "{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
    "{{ '<call>' + c.function.name + (c.function.arguments | tojson) + '</call>' }}{% endfor %}"
    "{{ '<|im_end|>' }}ENDGEN{{ '\n' }}"
    "{% else %}{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TOOLS_FIRST = "{% if tools %}{{ '<|im_start|>system\n' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}"
DIFFERENCED = TOOLS_FIRST + CHATML.replace("ENDGEN", "").replace("GEN", "")
MARKED = TOOLS_FIRST + CHATML.replace("ENDGEN", "{% endgeneration %}").replace("GEN", "{% generation %}")


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a byte-level tokenizer with control tokens and a chat template."""
    from tokenizers import Tokenizer as FastTokenizer
    from tokenizers import decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    fast = FastTokenizer(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    special = ["<eos>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = ["user assistant system tool content what is the time in Oslo", "<|im_ start end eos call"] * 3
    fast.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    fast.add_tokens(["<call>", "</call>"])

    def made(template: str | None, **options: Any) -> Tokenizer:
        folder: Path = tmp_path_factory.mktemp("tokenizer")
        known = {"eos_token": "<eos>", "extra_special_tokens": ["<|im_start|>", "<|im_end|>"], **options}
        own = PreTrainedTokenizerFast(tokenizer_object=fast, **known)
        own.chat_template = template
        own.save_pretrained(folder)
        return Tokenizer(str(folder), None, 0, None)

    return made
