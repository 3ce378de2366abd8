"""What may be spent: a request is sent only where its worst case fits beside what is spent or under way."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from corpus.engine.endpoint.config import EndpointConfig

_PER_MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    tokens_in: int
    tokens_out: int


class Budget:
    """Counts of one labeller, safe for threads. Costs are reserved before a request and settled after it."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._change = threading.Condition()
        self._tokens_in = self._tokens_out = self._requests = 0
        self._held_in = self._held_out = self._under_way = 0
        self.exhausted = False  # a request did not fit although nothing else was under way

    def reserve(self, cost: Cost, *, wait: bool) -> bool:
        """Whether the request may be sent. `wait` lets requests under way end first, which frees what they
        held too much."""
        with self._change:
            while not self.exhausted:
                if self._fits(cost):
                    self._held_in += cost.tokens_in
                    self._held_out += cost.tokens_out
                    self._under_way += 1
                    return True
                if not wait:
                    return False
                if not self._under_way:
                    self.exhausted = True  # for good: what is labelled stays a beginning of the order
                    break
                self._change.wait()
            return False

    def settle(self, reserved: Cost, spent: Cost | None) -> None:
        """Give a reservation back; `spent` is what the request cost, None where it was not served."""
        with self._change:
            self._held_in -= reserved.tokens_in
            self._held_out -= reserved.tokens_out
            self._under_way -= 1
            if spent is not None:
                self._tokens_in += spent.tokens_in
                self._tokens_out += spent.tokens_out
                self._requests += 1
            self._change.notify_all()

    def spent(self) -> dict[str, int | float]:
        with self._change:
            found: dict[str, int | float] = {
                "requests": self._requests,
                "tokens_in": self._tokens_in,
                "tokens_out": self._tokens_out,
            }
            if self._config.price_in is not None and self._config.price_out is not None:
                found["money"] = round(self._money(self._tokens_in, self._tokens_out), 6)
            return found

    def _fits(self, cost: Cost) -> bool:
        config = self._config
        tokens_in = self._tokens_in + self._held_in + cost.tokens_in
        tokens_out = self._tokens_out + self._held_out + cost.tokens_out
        return (
            (config.max_requests is None or self._requests + self._under_way < config.max_requests)
            and (config.max_tokens_in is None or tokens_in <= config.max_tokens_in)
            and (config.max_tokens_out is None or tokens_out <= config.max_tokens_out)
            and (config.max_money is None or self._money(tokens_in, tokens_out) <= config.max_money)
        )

    def _money(self, tokens_in: int, tokens_out: int) -> float:
        return (
            tokens_in * (self._config.price_in or 0) + tokens_out * (self._config.price_out or 0)
        ) / _PER_MILLION


class Turn:
    """What one question has reserved and cost, over all its requests. At most one request is under way."""

    def __init__(self, budget: Budget, reserved: Cost) -> None:
        self._budget, self._reserved = budget, reserved
        self._held: Cost | None = reserved
        self._in = self._out = 0

    def reserve(self, cost: Cost) -> bool:
        """Reserve for one request; the first was reserved for before the question began."""
        if self._held is None:
            if not self._budget.reserve(cost, wait=False):
                return False
            self._held = cost
        return True

    def settle(self, *, served: bool, cost: Cost | None = None) -> None:
        """`served` without a known cost counts as the worst case."""
        if self._held is not None:
            spent = (cost or self._held) if served else None
            self._budget.settle(self._held, spent)
            self._held = None
            if spent is not None:
                self._in, self._out = self._in + spent.tokens_in, self._out + spent.tokens_out

    def close(self) -> None:
        self.settle(served=False)

    def tokens(self) -> dict[str, Any]:
        return {"tokens_in": self._in, "tokens_out": self._out}
