"""What a user says about an endpoint: where it is, what it is asked, and what that may cost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from corpus.engine.attempts import Access
from corpus.engine.config import option
from corpus.engine.errors import UserError

AUTO, JSON_SCHEMA, JSON_OBJECT, PLAIN = "auto", "json_schema", "json_object", "text"
_LONGEST_PAUSE = 60.0
_OWN = frozenset({"messages", "model", "stream", "n", "response_format"})


@dataclass(frozen=True, kw_only=True)
class EndpointConfig:
    """One model behind one address. Only what decides an answer is part of a stage's fingerprint."""

    url: str = option("base address, such as http://localhost:8000/v1; empty: not asked", "", volatile=True)
    model: str = option("name of the model, as the endpoint knows it", "")
    key_env: str | None = option(
        "environment variable that holds the key; null sends none", None, volatile=True
    )
    structured: str = option(
        "how the form of the answer is asked for; auto takes the first that the endpoint accepts",
        AUTO,
        choices=(AUTO, JSON_SCHEMA, JSON_OBJECT, PLAIN),
    )
    temperature: float | None = option("null leaves it to the endpoint", 0.0, least=0, most=2)
    seed: int | None = option("seed that the endpoint is sent; null sends none", 7)
    max_tokens: int = option("longest answer in tokens", 400, least=1)
    limit_key: str = option(
        "the name under which max_tokens is sent",
        "max_tokens",
        choices=("max_tokens", "max_completion_tokens"),
    )
    extra: dict[str, Any] = option("further fields of the request, such as chat_template_kwargs", {})
    asks: int = option("times that it is asked in all where an answer breaks the schema", 3, least=1, most=10)
    workers: int = option("requests under way at the same time", 8, least=1, most=256, volatile=True)
    timeout: float = option("seconds that one request may take", 120.0, least=0.1, volatile=True)
    retries: int = option(
        "further attempts after 429, 5xx and broken connections", 6, least=0, most=20, volatile=True
    )
    pause: float = option(
        "seconds before the second attempt; doubles with each, to 60", 1.0, least=0, volatile=True
    )
    price_in: float | None = option("price of a million tokens of prompt", None, least=0)
    price_out: float | None = option("price of a million tokens of answer", None, least=0)
    max_money: float | None = option("cap on what is spent, in the unit of the prices", None, least=0)
    max_tokens_in: int | None = option("cap on tokens of prompts, all together", None, least=0)
    max_tokens_out: int | None = option("cap on tokens of answers, all together", None, least=0)
    max_requests: int | None = option("cap on requests", None, least=0)

    def access(self) -> Access:
        waits = (min(_LONGEST_PAUSE, self.pause * 2**number) for number in range(self.retries))
        return Access(connections=self.workers, pauses=tuple(waits), timeout=self.timeout)


def check(config: EndpointConfig, name: str) -> None:
    """Raise UserError where the settings called `name` do not go together."""
    parts = urlsplit(config.url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UserError(f"{name}.url must be an address such as http://localhost:8000/v1.")
    if "@" in parts.netloc or parts.query:
        raise UserError(
            f"{name}.url holds a user, password or query; put the key into an environment variable and name "
            f"it in {name}.key_env."
        )
    if not config.model:
        raise UserError(f"{name}.model is empty; name the model that {config.url} serves.")
    if config.max_money is not None and (config.price_in is None or config.price_out is None):
        raise UserError(f"{name}.max_money needs {name}.price_in and {name}.price_out, per million tokens.")
    strangers = sorted(_OWN & config.extra.keys())
    if strangers:
        raise UserError(f"{name}.extra may not hold '{strangers[0]}', which the client writes itself.")
    key_of(config, name)


def key_of(config: EndpointConfig, name: str) -> str:
    """The key, read from the environment alone; empty where none is wanted. No message ever shows it."""
    if config.key_env is None:
        return ""
    key = os.environ.get(config.key_env, "").strip()
    if not key:
        raise UserError(f"the environment variable {config.key_env} of {name}.key_env is empty or not set.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            f"the environment variable {config.key_env} holds no key: it has blanks or control characters."
        )
    return key


def chat_address(url: str) -> str:
    """Where chat completions are asked for; a whole address is taken as it is."""
    base = url.rstrip("/")
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"
