"""A copy of the running Python that works in any folder, on machines that have no Python of their own.

A virtual environment only points to the Python that made it. Here the program, its shared library and the
standard library lie together; Python finds its library beside itself (`lib/pythonX.Y/os.py` is its landmark).
The C library and those that the standard library's extensions use (OpenSSL, zlib) stay the machine's own, so
the machines that unpack it must not be older than the one that has made it.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

# Of no use to a job, or taken in from elsewhere.
_LEFT_OUT = (
    *("site-packages", "dist-packages", "__pycache__", "test", "idlelib", "lib2to3", "turtledemo"),
    *("tkinter", "ensurepip", "config-*"),
)
# Some builds look for packages in folders of their distribution's.
_SITE = """import os, site
site.addsitedir(os.path.join(os.path.dirname(__file__), "site-packages"))
"""
_START = """#!/bin/sh
# The program's shared library lies in this folder too.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/../lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export LD_LIBRARY_PATH
exec "$here/{program}" "$@"
"""


def name() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def copy_interpreter(target: Path) -> Path:
    """Copy the running Python to `target`; returns the folder that packages are to be installed into."""
    program = target / "bin" / name()
    program.parent.mkdir(parents=True)
    shutil.copy(Path(sys.base_prefix, "bin", name()).resolve(), program)
    library = target / "lib" / name()
    ignore = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=ignore, symlinks=False)
    (library / "sitecustomize.py").unlink(missing_ok=True)
    (library / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    _copy_shared_library(target / "lib")
    start = target / "bin" / "python"
    start.write_text(_START.format(program=name()), encoding="utf-8")
    start.chmod(0o755)
    site = library / "site-packages"
    site.mkdir()
    return site


def _copy_shared_library(folder: Path) -> None:
    wanted = sysconfig.get_config_var("INSTSONAME") or ""
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and ".so" in wanted:
        places = (sysconfig.get_config_var("LIBDIR"), str(Path(sys.base_prefix, "lib")))
        found = next(
            (Path(place, wanted) for place in places if place and Path(place, wanted).exists()), None
        )
        if found is not None:  # else it is linked into the program, whatever the build says
            shutil.copy(found.resolve(), folder / wanted)
