from __future__ import annotations

from pathlib import Path

from tests.training.support import read_metrics
from training.run_log.metrics import MetricsLog


def test_after_a_cut_each_step_is_there_once_and_half_a_row_is_gone(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(1, 6):
        log.write({"event": "step", "step": step})
    log.close()
    with open(log.path, "ab") as stream:
        stream.write(b'{"event": "step", "st')
    log = MetricsLog(log.path)
    log.cut(3)
    log.write({"event": "step", "step": 4})
    log.close()
    assert [row["step"] for row in read_metrics(log.path)] == [1, 2, 3, 4]
