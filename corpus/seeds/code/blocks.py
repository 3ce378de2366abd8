"""Languages with braces: what each says of its declarations, and what a reader keeps of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from corpus.seeds.code.entries import Doc, Entry

FILE, TYPE, BODY, VALUE = "file", "type", "body", "value"  # what a brace opens, and the file itself
CONTROL = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "function", "do", "else", "try", "with", "new"}
    | {"throw", "sizeof", "case", "typeof", "await", "yield", "defined", "using", "delete", "assert"}
)


@dataclass(frozen=True)
class Head:
    """What a language makes of a head: all that stands between two ends (`;`, a brace, the end of a line).

    `name` is dotted where the head itself says to whom it belongs; `scope` is what a brace behind it opens.
    `public`: whether others may use it. `shared`: whether it is worth documenting where nobody has.
    `transparent`: its members are named without it, as those of `module.exports`.
    """

    kind: str
    name: str
    scope: str = BODY
    public: bool = True
    shared: bool = True
    transparent: bool = False


@dataclass(frozen=True)
class Language:
    """How a language is read.

    `classify` takes a head and the kind of what is around it; None for what declares nothing. `comment` makes
    a Doc of the doc comments above a head. `inner`: a comment is about what is around it. `ends_lines`: the
    end of a line may end a head. `adjacent`: a blank line parts a comment from what follows. `module`: the
    module's name, from the head that states it. `directive`: what a line of the preprocessor declares.
    `wrapped`: files may stand in a function that is called at once. `initialises`: the brace behind a head
    belongs to a value. `written`: a signature as it is shown.
    """

    name: str
    classify: Callable[[str, str], Head | None]
    comment: Callable[[list[str]], Doc]
    inner: Callable[[str], bool] = lambda _comment: False
    ends_lines: bool = False
    adjacent: bool = False
    module: Callable[[str], str] = lambda _head: ""
    directive: Callable[[str], Head | None] = lambda _line: None
    wrapped: bool = False
    initialises: Callable[[str], bool] | None = None
    written: Callable[[str], str] = lambda signature: signature


@dataclass
class Frame:
    """An open bracket, or the file. Within `(` and `[` the head around goes on, so they share its parts."""

    kind: str
    name: str = ""
    bracket: str = ""
    head: list[str] = field(default_factory=list)
    docs: list[str] = field(default_factory=list)
    start: int = -1  # of the head; -1 between two heads
    size: int = 0  # characters of the head so far
    said: bool = False  # the head has become an entry already
    entry: Entry | None = None
    place: int = -1  # of the entry among those with documentation
    opened: int = 0  # where the head before the brace began; of a nested one, where its content begins
    nested: bool = False  # it stands within brackets or a value, and what is around it goes on behind it

    def clear(self) -> None:
        if self.bracket not in ("(", "["):
            self.head.clear()
            self.docs.clear()
            self.start, self.said, self.size = -1, False, 0

    def written(self) -> str:
        """The head on one line."""
        return " ".join("".join(self.head).split())
