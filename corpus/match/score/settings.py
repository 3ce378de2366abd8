"""The encoder of a run, as all of its processes load it, and what makes two runs comparable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from corpus.match.config import MatchConfig
from corpus.match.encoding.encoder import DOCUMENT, QUERY, EncoderSettings, load_encoder


def resolved(config: MatchConfig, threads: int) -> EncoderSettings:
    """The encoder as all processes shall load it, with the back end chosen here. Raises UserError."""
    wanted = EncoderSettings(
        name=config.encoder,
        max_tokens=config.max_tokens,
        device=config.device,
        threads=threads,
        backend=config.backend,
        precision=config.precision,
        query_prompt=config.query_prompt,
        document_prompt=config.document_prompt,
    )
    return replace(wanted, backend=load_encoder(wanted).backend)


def identity(encoder: EncoderSettings, config: MatchConfig) -> dict[str, Any]:
    """What must be equal for vectors to be comparable."""
    loaded = load_encoder(encoder)
    return {
        "sha256": loaded.sha256,
        "max_tokens": config.max_tokens,
        "max_chunks": config.max_chunks,
        "prompts": [loaded.prompt(QUERY), loaded.prompt(DOCUMENT)],
    }
