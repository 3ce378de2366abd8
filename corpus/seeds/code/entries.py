"""What a scanner finds in a source file: its declarations, with and without documentation."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.seeds.records import Malformed
from corpus.seeds.render.shapes import Example, Parameter

MOST_CHARACTERS = 2 << 20  # of a source file; larger ones are data or generated
MOST_SIGNATURE, MOST_BODY, MOST_CODE = 2_000, 1_500, 6_000


@dataclass(frozen=True)
class Doc:
    """A comment or docstring, taken apart. `hidden`: it says that the declaration is not for others."""

    about: str = ""
    parameters: tuple[Parameter, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    examples: tuple[Example, ...] = ()
    hidden: bool = False

    def __bool__(self) -> bool:
        return bool(self.about or self.parameters or self.sections or self.examples)


@dataclass(frozen=True)
class Entry:
    """One declaration. `name` is dotted within the module, `signature` its head as it is written.

    `level`: how deep it lies in types. `code` is there for functions without documentation.
    """

    name: str
    kind: str
    signature: str
    doc: Doc = field(default_factory=Doc)
    level: int = 0
    line: int = 0
    code: str = ""


@dataclass
class Module:
    """A source file. `name` is what users of the module call it by, empty where there is no such name."""

    language: str
    name: str = ""
    doc: Doc = field(default_factory=Doc)
    entries: list[Entry] = field(default_factory=list)
    undocumented: list[Entry] = field(default_factory=list)

    def api(self, entry: Entry) -> str:
        """The dotted name of an entry, as `corpus.seeds.apis` has it."""
        return f"{self.name}.{entry.name}" if self.name else entry.name


def require_size(text: str) -> None:
    """Raise Malformed for a file that is too large to be written by hand."""
    if len(text) > MOST_CHARACTERS:
        raise Malformed(f"a source file of more than {MOST_CHARACTERS:,} characters")
