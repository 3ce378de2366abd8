"""datatrove's own steps on the same files: `python datatrove_run.py CRAWL MODEL THRESHOLD OUT`, in its own interpreter.

WarcReader, Trafilatura, FastTextClassifierFilter and ParquetWriter as they come. Where libmagic or cchardet are not
installed, stand-ins that cost nothing take their place (all is HTML, all is UTF-8), which favours datatrove.
Prints the pages written as JSON.
"""

# mypy: ignore-errors
from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import types


def main(crawl: str, model: str, threshold: str, out: str) -> None:
    _stand_in()
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import FastTextClassifierFilter
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import ParquetWriter

    steps = [
        WarcReader(crawl, glob_pattern="*.warc.gz"),
        Trafilatura(),
        FastTextClassifierFilter(model, keep_labels=[("agent", float(threshold))], newline_replacement=" "),
        ParquetWriter(f"{out}/pages"),
    ]
    executor = LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=f"{out}/logs")
    with contextlib.redirect_stdout(io.StringIO()):
        stats = executor.run()
    with contextlib.suppress(
        ChildProcessError
    ):  # what was ended but not waited for would not count as CPU time
        while os.waitpid(-1, 0):
            pass
    written = stats.stats[-1].stats["total"].total if hasattr(stats, "stats") else None
    print(json.dumps({"written": written}))


def _stand_in() -> None:
    import datatrove.pipeline.base
    from datatrove.pipeline.filters import FastTextClassifierFilter
    from fasttext.FastText import _FastText

    datatrove.pipeline.base.check_required_dependencies = lambda *_: None
    stands = {
        "magic": {"from_buffer": lambda *_, **__: "text/html"},
        "cchardet": {"detect": lambda _: {"encoding": "latin-1"}},
    }
    for name, functions in stands.items():
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(functions)

    def model(step: FastTextClassifierFilter) -> _FastText:  # a local file: no download, no lock on it
        step._model = step._model or _FastText(step.model_url)
        return step._model

    FastTextClassifierFilter.model = property(model)


if __name__ == "__main__":
    main(*sys.argv[1:5])
