"""Source files by the ends of their names."""

from __future__ import annotations

BY_SUFFIX = {
    **dict.fromkeys(("py", "pyi"), "python"),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx"), "javascript"),
    **dict.fromkeys(("ts", "mts", "cts", "tsx"), "typescript"),
    **dict.fromkeys(("h", "c"), "c"),
    **dict.fromkeys(("hpp", "hh", "hxx", "cpp", "cc", "cxx"), "cpp"),
    **{"go": "go", "java": "java", "rs": "rust"},
}
SUFFIXES = tuple(f".{suffix}" for suffix in BY_SUFFIX)


def language_of(path: str) -> str:
    """The language that a name tells, empty where none of ours."""
    name = path.lower().removesuffix(".gz").rpartition("/")[2]
    return (
        "" if name.endswith(".min.js") else BY_SUFFIX.get(name.rpartition(".")[2] if "." in name else "", "")
    )
