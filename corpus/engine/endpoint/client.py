"""Questions in, answers out: a bounded number under way, each asked as often as its rules allow."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from corpus.engine import storage
from corpus.engine.attempts import Attempts, WebError
from corpus.engine.endpoint import prompt, schema
from corpus.engine.endpoint.budget import Budget, Cost, Turn
from corpus.engine.endpoint.cache import Cache, Stored
from corpus.engine.endpoint.config import (
    AUTO,
    JSON_OBJECT,
    JSON_SCHEMA,
    PLAIN,
    EndpointConfig,
    chat_address,
    check,
    key_of,
)
from corpus.engine.endpoint.prompt import Ask
from corpus.engine.endpoint.wire import Completion, Fatal, Line, Refused
from corpus.engine.errors import UserError

VIOLATION, REFUSED, UNAVAILABLE, BUDGET = "violation", "refused", "unavailable", "budget"
_FORMS = (JSON_SCHEMA, JSON_OBJECT, PLAIN)
_ABOUT_FORM = re.compile(
    r"response.?format|json.?schema|json.?object|structured|guided|grammar|strict|additionalProperties",
    re.IGNORECASE,
)
_AHEAD = 4  # times the workers: questions that are prepared before the first of them is answered
_GIVE_UP = 3  # times the workers: failures in a row after which the endpoint is taken for gone


@dataclass(frozen=True)
class Answer:
    """`value` fits the schema, or is None and `reason` says why: violation, refused, unavailable, budget.

    `tokens_in` and `tokens_out` are what the answer cost when it was asked for.
    """

    key: str
    value: Any = None
    reason: str = ""
    detail: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False


class Client:
    """One labeller's endpoint, for one run. `counts` says what happened; `budget` what was spent."""

    def __init__(self, config: EndpointConfig, cache: Cache, name: str = "endpoint") -> None:
        check(config, name)
        self.config, self.name, self._cache = config, name, cache
        self.budget = Budget(config)
        self.counts: Counter[str] = Counter()
        self._line = Line(chat_address(config.url), key_of(config, name), config.timeout, config.workers)
        self._forms = list(_FORMS if config.structured == AUTO else (config.structured,))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._not_before = 0.0
        self._failed_in_a_row = 0
        self._has_answered = False
        self._gone = ""  # why the endpoint is taken for gone
        self._fatal = ""  # why it takes no request at all

    def answers(self, asks: Iterable[Ask]) -> Iterator[Answer]:
        """One answer for each question, in order. UserError where the endpoint takes none of them."""
        waiting: deque[tuple[str, Future[Answer]]] = deque()
        under_way: dict[str, Future[Answer]] = {}
        workers = self.config.workers
        with ThreadPoolExecutor(workers, thread_name_prefix=self.name) as threads:
            try:
                for ask in asks:
                    waiting.append((ask.key, self._begin(ask, threads, under_way)))
                    while waiting and (len(waiting) > _AHEAD * workers or waiting[0][1].done()):
                        yield self._told(*waiting.popleft())
                while waiting:
                    yield self._told(*waiting.popleft())
            finally:  # also where the caller stops early: nothing more is sent
                self._stop.set()
                for _, future in waiting:
                    future.cancel()
        self._stop.clear()

    def facts(self) -> dict[str, Any]:
        """For the manifest: counts, what was spent, how the schema was enforced."""
        counts = dict(sorted(self.counts.items()))
        return {
            "model": self.config.model,
            "answers": counts,
            "spent": self.budget.spent(),
            "form": self._forms[0],
        }

    def _told(self, key: str, future: Future[Answer]) -> Answer:
        answer = replace(future.result(), key=key)
        self.counts["cached" if answer.cached else "asked"] += 1
        self.counts[answer.reason or "answered"] += 1
        return answer

    def _begin(
        self, ask: Ask, threads: ThreadPoolExecutor, under_way: dict[str, Future[Answer]]
    ) -> Future[Answer]:
        """The answer to come. Questions begin in order, and so does the refusal to spend more."""
        name = prompt.cache_key(self.config, ask)
        if (same := under_way.get(name)) is not None and not same.done():
            return same
        stored = self._cache.get(name) or self._cache.get(self._failed(name))
        if stored is not None and (stored.value is None or not schema.violations(stored.value, ask.schema)):
            return _done(Answer(ask.key, **vars(stored), cached=True))
        first = prompt.body_of(self.config, prompt.messages_of(ask), ask, self._forms[0])
        cost = prompt.worst(self.config, first)
        if self._gone:
            return _done(Answer(ask.key, reason=UNAVAILABLE, detail=self._gone))
        if not self.budget.reserve(cost, wait=True):
            return _done(Answer(ask.key, reason=BUDGET, detail="the cap of the budget"))
        for old in [key for key, future in under_way.items() if future.done()]:
            del under_way[old]
        under_way[name] = threads.submit(self._work, ask, name, cost)
        return under_way[name]

    def _work(self, ask: Ask, name: str, reserved: Cost) -> Answer:
        turn = Turn(self.budget, reserved)
        try:
            answer = self._converse(ask, turn)
        except Refused as error:
            answer = Answer(ask.key, reason=REFUSED, detail=str(error))
        except WebError as error:
            if self._fatal:  # this question was only stopped by another one's answer
                raise UserError(self._fatal) from None
            answer = Answer(ask.key, reason=UNAVAILABLE, detail=str(error))
        except Fatal as error:
            self._fatal = f"{self.name}: {self._where()} takes no request ({error})."
            self._stop.set()
            raise UserError(self._fatal) from None
        finally:
            turn.close()
        self._watch(answer)
        if answer.reason in ("", VIOLATION):
            kept = Stored(answer.value, answer.reason, answer.detail, answer.tokens_in, answer.tokens_out)
            self._cache.put(self._failed(name) if answer.reason else name, self.config.model, kept)
        return answer

    def _converse(self, ask: Ask, turn: Turn) -> Answer:
        """Ask until the answer fits, at most `asks` times."""
        first = prompt.messages_of(ask)
        messages, wrong = first, [""]
        for _ in range(self.config.asks):
            found = self._served(messages, ask, turn)
            if found is None:
                return Answer(ask.key, reason=BUDGET, detail="the cap of the budget", **turn.tokens())
            try:
                value = schema.json_in(found.text)
                wrong = schema.violations(value, ask.schema)
            except ValueError as error:
                value, wrong = None, [str(error)]
            if not wrong:
                return Answer(ask.key, value, **turn.tokens())
            if found.cut:
                wrong.append(f"it was cut at {self.config.max_tokens} tokens")
            self._count("asked_again")
            messages = prompt.again(first, found.text, wrong)
        return Answer(ask.key, reason=VIOLATION, detail="; ".join(wrong)[:300], **turn.tokens())

    def _served(self, messages: list[prompt.Message], ask: Ask, turn: Turn) -> Completion | None:
        """One completion, whatever forms and attempts it takes; None where the budget ends before it."""
        attempts = Attempts(self.config.access(), self._wait)
        while True:
            form = self._forms[0]
            body = prompt.body_of(self.config, messages, ask, form)
            if not turn.reserve(prompt.worst(self.config, body)):
                return None
            self._wait(max(0.0, self._not_before - time.monotonic()))
            if self._stop.is_set():
                raise WebError("the run has ended", final=True)
            self._count("sent")
            try:
                found = self._line.post(body)
            except Refused as error:
                turn.settle(served=False)
                if not self._next_form(form, str(error)):
                    raise
            except WebError as error:
                # an answer with a status costs nothing; whether a lost one does, only the bill will say
                turn.settle(served=error.status is None and not error.unreached)
                self._count("tried_again")
                if error.retry_after:  # the others need not be told the same one by one
                    self._not_before = max(self._not_before, time.monotonic() + error.retry_after)
                attempts.wait(error)
            else:
                turn.settle(served=True, cost=found.cost)
                return found

    def _next_form(self, refused: str, why: str) -> bool:
        """Whether there is another way to ask for the form, where it was the form that was refused."""
        with self._lock:
            if self._forms[0] != refused:  # another thread has met the same
                return True
            if len(self._forms) == 1 or not _ABOUT_FORM.search(why):
                return False
            self._forms.pop(0)
            return True

    def _watch(self, answer: Answer) -> None:
        """Give the endpoint up after failures in a row; before its first answer that is the user's to mend.

        A page may be too long for the endpoint; a whole beginning of pages is not.
        """
        with self._lock:
            if answer.reason not in (UNAVAILABLE, REFUSED):
                self._failed_in_a_row, self._has_answered = 0, True
                return
            self._failed_in_a_row += 1
            if self._failed_in_a_row < _GIVE_UP * self.config.workers and answer.reason == REFUSED:
                return
            if not self._has_answered:
                self._stop.set()
                raise UserError(f"{self.name}: {self._where()} has answered no request ({answer.detail}).")
            if answer.reason == UNAVAILABLE and self._failed_in_a_row >= _GIVE_UP * self.config.workers:
                self._gone = answer.detail

    def _failed(self, name: str) -> str:
        """Where it is kept that the model did not manage an answer: asked more often, it may."""
        return f"{name}/{self.config.asks}"

    def _where(self) -> str:
        return storage.redact(self._line.address)

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _wait(self, seconds: float) -> None:
        self._stop.wait(seconds)


def _done(answer: Answer) -> Future[Answer]:
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future
