"""Look at rows of any table, or ask what became of a page: "why is this page not in my corpus?"

example: python jobs/inspect.py input=work/clean where="agent_score < 0.6 AND title LIKE '%API%'" rows=3
         python jobs/inspect.py input=work table=unique/duplicates columns=url,kept_id,jaccard format=csv
         python jobs/inspect.py input=work url=https://docs.example.org/reference/users
"""

from __future__ import annotations

import os
import sys

if __name__ == "inspect":
    # A job started from this folder has it first on the module path, where the standard library's `inspect`
    # (which dataclasses imports) is searched, too. Whoever imports `inspect` gets that one.
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    _here = os.path.dirname(os.path.realpath(__file__))
    _rest = [path for path in sys.path if os.path.realpath(path or os.curdir) != _here]
    _found = PathFinder.find_spec("inspect", _rest)
    if _found is None or _found.loader is None:
        raise ImportError("the standard library has no module inspect", name="inspect")
    sys.modules["inspect"] = _module = module_from_spec(_found)
    _found.loader.exec_module(_module)

if __name__ == "__main__":
    from corpus.browse.config import InspectConfig
    from corpus.browse.run import plan, run
    from corpus.engine.cli import run_job

    sys.exit(run_job(InspectConfig, run, description=__doc__ or "", plan=plan))
