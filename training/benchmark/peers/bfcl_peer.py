"""Run by an interpreter that has bfcl-eval: its prompts, environments and scoring, our model behind a pipe.

    python bfcl_peer.py NAME THREADS LIMIT SCORES CATEGORY...      (BFCL_PROJECT_ROOT names a scratch folder)

A line {"id": n, "messages": [...]} on standard output asks for a completion; the answer is a line
{"id": n, "text": "..."} on standard input. Several requests may be waiting. At the end SCORES holds
{category: {"accuracy", "items"}}.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ASKED, sys.stdout = sys.stdout, sys.stderr  # what packages print, while they are imported too, is no request

from bfcl_eval.constants.eval_config import RESULT_PATH, SCORE_PATH  # noqa: E402
from bfcl_eval.constants.model_config import MODEL_CONFIG_MAPPING  # noqa: E402
from bfcl_eval.eval_checker import eval_runner  # noqa: E402
from bfcl_eval.model_handler.local_inference.base_oss_handler import OSSHandler  # noqa: E402
from bfcl_eval.utils import load_dataset_entry  # noqa: E402
from overrides import override  # noqa: E402

_numbers = itertools.count()
_waiting: dict[int, Future[str]] = {}
_lock = threading.Lock()


class PipeHandler(OSSHandler):  # type: ignore[misc]
    """Asks the process at the other end of the pipe."""

    @override  # type: ignore[untyped-decorator]
    def _query_prompting(self, inference_data: Any) -> Any:
        answer: Future[str] = Future()
        with _lock:
            number = next(_numbers)
            _waiting[number] = answer
            print(json.dumps({"id": number, "messages": inference_data["message"]}), file=ASKED, flush=True)
        inference_data["inference_input_log"] = {"message": ""}
        text = answer.result()
        usage = SimpleNamespace(prompt_tokens=0, completion_tokens=0)
        return SimpleNamespace(choices=[SimpleNamespace(text=text)], usage=usage), 0.0


def listen() -> None:
    """Hand answers to who waits for them; at the end of the input nobody is left to answer."""
    for line in sys.stdin:
        answer = json.loads(line)
        _waiting.pop(answer["id"]).set_result(answer["text"])
    os._exit(1)


def main(name: str, threads: int, limit: int, scores: str, categories: list[str]) -> None:
    template = next(c for c in MODEL_CONFIG_MAPPING.values() if not c.is_fc_model)
    MODEL_CONFIG_MAPPING[name] = dataclasses.replace(
        template, model_name=name, display_name=name, model_handler=PipeHandler
    )
    handler = PipeHandler(name, 0.0, name, False)
    threading.Thread(target=listen, daemon=True).start()
    entries = [e for category in categories for e in load_dataset_entry(category)[: limit or None]]

    def answer(entry: dict[str, Any]) -> None:
        result, _ = handler.inference(entry, include_input_log=False, exclude_state_log=True)
        with _lock:
            handler.write({"id": entry["id"], "result": result}, RESULT_PATH, update_mode=True)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(answer, entries):
            pass
    eval_runner.main([name], categories, None, None, partial_eval=True)
    Path(scores).write_text(json.dumps(dict(_scores(name, categories))), encoding="utf-8")


def _scores(name: str, categories: list[str]) -> Any:
    for file in sorted((Path(SCORE_PATH) / name).rglob("BFCL_v4_*_score.json")):
        category = file.stem.removeprefix("BFCL_v4_").removesuffix("_score")
        if category in categories:
            head = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
            yield category, {"accuracy": head["accuracy"], "items": head["total_count"]}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
    os._exit(0)  # the listening thread waits for input that does not come
