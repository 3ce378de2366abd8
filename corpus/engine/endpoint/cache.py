"""Answers that were paid for, kept by what was asked: the same question is never sent twice.

SQLite in a folder on a local disk; several processes may use one file. What is read is checked again against
the schema by the caller, since the file may come from elsewhere.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from corpus.engine.errors import UserError

FILE = "answers.sqlite"
_WAIT_SECONDS = 60.0  # for another process that writes
_MAKE = """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, value TEXT, reason TEXT NOT NULL, detail TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL) WITHOUT ROWID"""


@dataclass(frozen=True)
class Stored:
    """An answer, or (`value` None) that the model did not manage one: that was paid for as well."""

    value: Any
    reason: str
    detail: str
    tokens_in: int
    tokens_out: int


class Cache:
    """A context manager; safe for threads. Without a folder it holds nothing."""

    def __init__(self, folder: str | None) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._db: sqlite3.Connection | None = None
        if folder is None:
            return
        if "://" in folder:
            raise UserError(f"cache={folder} must be a folder on a local disk: SQLite needs its locks.")
        try:
            os.makedirs(folder, exist_ok=True)
            self._db = sqlite3.connect(
                os.path.join(folder, FILE),
                timeout=_WAIT_SECONDS,
                check_same_thread=False,
                isolation_level=None,
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_MAKE)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot open the cache {folder}: {error}; choose another cache=.") from error

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def get(self, key: str) -> Stored | None:
        found = self._run(
            "SELECT value, reason, detail, tokens_in, tokens_out FROM answers WHERE key = ?", (key,)
        )
        if not found:
            return None
        value, *rest = found[0]
        try:
            return Stored(json.loads(value) if value is not None else None, *rest)
        except (ValueError, RecursionError):
            return None

    def put(self, key: str, model: str, found: Stored) -> None:
        value = None if found.value is None else json.dumps(found.value, sort_keys=True)
        self._run(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, model, value, found.reason, found.detail, found.tokens_in, found.tokens_out),
        )

    def _run(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            if self._db is None:
                return []
            try:
                return self._db.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise UserError(
                    f"the cache {self._folder} fails ({error}); what was answered before is kept."
                ) from error
