"""Greedy completions of conversations by a Hugging Face model, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from corpus.engine.errors import UserError
from training.benchmark.items import ASSISTANT, Item, Turn, plain

Messages = Sequence[dict[str, str]]


def prompt_of(messages: Messages, tokenizer: Any, template: str) -> str:
    """The text up to where the assistant speaks, in the same form as that of benchmark loss."""
    if template == "chat":
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))
    turns = [Turn(message["role"], message["content"] or "") for message in messages]
    segments = plain(Item("", "", (*turns, Turn(ASSISTANT, "", True))))
    return "".join(segment.text for segment in segments).rstrip()


def complete(
    conversations: Sequence[Messages], model: Any, tokenizer: Any, *, template: str, most: int
) -> list[str]:
    """What the assistant says next in each, of at most `most` tokens; the last turn label ends it.

    A conversation that is too long for the model loses its beginning.
    """
    room = int(getattr(model.config, "max_position_embeddings", 0) or 4096) - most
    if room < 1:
        raise UserError(f"a completion of {most} tokens leaves no room for a prompt; lower bfcl.most_tokens.")
    texts = [prompt_of(messages, tokenizer, template) for messages in conversations]
    prompts = [
        tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"][-room:] for text in texts
    ]
    width = max(map(len, prompts))
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    with torch.inference_mode():
        said = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=most,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
    spoken = tokenizer.batch_decode(said[:, width:], skip_special_tokens=True)
    return [text.split("\nUser:")[0].split("\nResult:")[0].strip() for text in spoken]
