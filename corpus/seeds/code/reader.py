"""One pass over a file of a language with braces: each declaration with the doc comment above it.

Where a brace opens a type or namespace, what is inside belongs to it; where it opens a body, nothing inside
is looked at. The stack of brackets recovers from whatever does not pair up.
"""

from __future__ import annotations

from dataclasses import replace

from corpus.seeds.code import tokens as t
from corpus.seeds.code.blocks import BODY, FILE, TYPE, VALUE, Frame, Head, Language
from corpus.seeds.code.comments import is_licence
from corpus.seeds.code.entries import MOST_BODY, MOST_CODE, MOST_SIGNATURE, Doc, Entry, Module, require_size

_MOST_OPEN = 200  # brackets within brackets; deeper ones are not looked into
_SCOPES_ONLY = frozenset({"impl", "namespace"})  # hold declarations and are none themselves
_SHOWN_WHOLE = frozenset({"struct", "interface", "enum", "union", "type", "trait", "record"})
_SHOWN_VALUE = 60  # characters of a value in braces that a signature shows
_OPERATORS = ("=", ",", "(", "+", "&&", "||", "=>", "|", "&", ".", ":", "?", "extends", "implements")


def read(text: str, language: Language, name: str) -> Module:
    """The declarations of a file; `name` is that of its module where the file does not say."""
    require_size(text)
    return _Reader(text, language, name).run()


class _Reader:
    def __init__(self, text: str, language: Language, name: str) -> None:
        self.text, self.language = text, language
        self.module = Module(language.name, name)
        self.frames = [Frame(FILE)]
        self.inner: list[str] = []  # comments within the file about the file

    def run(self) -> Module:
        steps = {
            t.DOC: self._doc,
            t.OPEN: self._open,
            t.CLOSE: self._close,
            t.END: self._end,
            t.COMMA: self._comma,
            t.NEWLINE: self._newline,
            t.BLANK: self._newline,
            t.DIRECTIVE: self._directive,
            t.OTHER: self._add,
            t.LITERAL: self._add,
        }
        for token in t.tokens(self.text, self.language.name):
            if step := steps.get(token.kind):
                step(token)
        self._finish()
        if self.inner:
            self._about_file(self.inner)
        return self.module

    @property
    def _top(self) -> Frame:
        return self.frames[-1]

    def _add(self, token: t.Token) -> None:
        top = self._top
        if top.start < 0:
            if token.text.isspace():
                return
            top.start, top.size = token.start, 0
        top.size += len(token.text)
        if top.size <= MOST_SIGNATURE:
            top.head.append(token.text)

    def _doc(self, token: t.Token) -> None:
        top = self._top
        if top.bracket in ("(", "["):
            return
        if self.language.inner(token.text):
            if len(self.frames) == 1:
                self.inner.append(token.text)
        elif top.start < 0 or not self.language.adjacent:
            if top.start < 0 and token.text.startswith("/*"):
                self._remark()  # of two blocks one after the other the second is about what follows
            top.docs.append(token.text)

    def _about_file(self, docs: list[str]) -> None:
        said, old = self.language.comment(docs), self.module.doc
        about = "\n".join(part for part in (old.about, said.about) if part)
        self.module.doc = replace(said, about=about, sections=(*old.sections, *said.sections))

    def _open(self, token: t.Token) -> None:
        if len(self.frames) > _MOST_OPEN:
            return
        top = self._top
        if token.text != "{":
            self._add(token)
            self.frames.append(Frame(VALUE, top.name, token.text, top.head, start=token.start, size=top.size))
        elif top.bracket in ("(", "[") or self._initialises(top):
            self._add(token)
            kind = VALUE if self._opens_value() else BODY
            self.frames.append(Frame(kind, top.name, "{", opened=token.end, nested=True))
        else:
            self._open_block(top, top.written())

    def _initialises(self, top: Frame) -> bool:
        asked = self.language.initialises
        return asked is not None and 0 < top.size <= MOST_SIGNATURE and asked(top.written())

    def _open_block(self, top: Frame, written: str) -> None:
        head = self._head()
        entry = self._say(head, written)
        scope, name = VALUE if self._opens_value() else BODY, top.name
        if head is not None:
            scope = head.scope if head.public else BODY
            if scope in (TYPE, VALUE) and not head.transparent:
                name = f"{name}.{head.name}" if name else head.name
        place = len(self.module.entries) - 1 if entry and entry.doc else -1
        self.frames.append(Frame(scope, name, "{", entry=entry, place=place, opened=top.start))

    def _opens_value(self) -> bool:
        """What a brace opens of which the language says nothing: behind `)` and `=>` stands a body."""
        tail = "".join(self._top.head[-4:]).rstrip()
        return tail.endswith(("=", "(", "[", ",", ":", "return")) and not tail.endswith("=>")

    def _close(self, token: t.Token) -> None:
        places = range(len(self.frames) - 1, 0, -1)
        depth = next((n for n in places if self.frames[n].bracket + token.text in ("()", "[]", "{}")), 0)
        if not depth:
            return
        if token.text == "}" and self._top.bracket == "{":
            self._finish()
        closed = self.frames[depth]
        del self.frames[depth:]
        if closed.bracket == "{" and not closed.nested:
            self._keep_whole(closed, token.end)
            self._top.clear()
        else:
            if closed.nested:
                inside = " ".join(self.text[closed.opened : token.start].split())
                shown = inside if len(inside) <= _SHOWN_VALUE else "..."
                self._add(t.Token(t.OTHER, shown, closed.opened, token.start))
            self._add(token)

    def _end(self, token: t.Token) -> None:
        if self._top.bracket in ("(", "["):
            self._add(token)
        else:
            self._finish()

    def _comma(self, token: t.Token) -> None:
        if self._top.kind == VALUE and self._top.bracket == "{":
            self._finish()
        else:
            self._add(token)

    def _newline(self, token: t.Token) -> None:
        top = self._top
        if self.language.adjacent and token.kind == t.BLANK and top.start < 0:
            self._remark()
        if top.start < 0:
            return
        goes_on = "".join(top.head[-3:]).rstrip().endswith(_OPERATORS)
        if self.language.ends_lines and top.bracket not in ("(", "[") and not goes_on:
            self._finish()
        else:
            self._add(t.Token(t.OTHER, " ", token.start, token.end))

    def _remark(self) -> None:
        """A comment that is about nothing below it; the first of a file may be about the file."""
        top = self._top
        first = len(self.frames) == 1 and not self.module.entries and not self.module.doc
        if top.docs and first and not is_licence("\n".join(top.docs)):
            self._about_file(top.docs)
        top.docs.clear()

    def _directive(self, token: t.Token) -> None:
        head = self.language.directive(token.text)
        if head is None:
            self._remark()
            return
        self._say(head, token.text.strip())
        self._top.clear()

    def _finish(self) -> None:
        """A head without a brace has ended."""
        top, head = self._top, self._head()
        if head is not None:
            self._say(head, top.written())
        elif top.start >= 0 and len(self.frames) == 1 and (named := self.language.module(top.written())):
            self.module.name = named
            self._remark()
        top.clear()

    def _head(self) -> Head | None:
        top = self._top
        if top.start < 0 or top.said:
            return None
        if top.kind == BODY and not (top.docs and top.nested and self.language.wrapped):
            return None
        return self.language.classify(top.written(), top.kind)

    def _say(self, head: Head | None, written: str) -> Entry | None:
        """Make an entry of a head. It is returned where it may be shown with its body or its code."""
        top = self._top
        if head is None or not head.name or not head.public or head.kind in _SCOPES_ONLY:
            return None
        doc = self.language.comment(top.docs) if top.docs else Doc()
        if doc.hidden:
            return None
        name = f"{top.name}.{head.name}" if top.name else head.name
        level = sum(frame.kind == TYPE for frame in self.frames)
        signature = self.language.written(written)[:MOST_SIGNATURE].rstrip(" =")
        entry = Entry(name, head.kind, signature, doc, level, top.start)
        top.said = True
        if doc:
            self.module.entries.append(entry)
            return entry if head.kind in _SHOWN_WHOLE else None
        return entry if head.shared and head.kind in ("function", "method") else None

    def _keep_whole(self, closed: Frame, end: int) -> None:
        """Small types are shown with what they hold; functions of which nothing is said, with their code."""
        if closed.entry is None:
            return
        old, source = closed.entry, self.text[closed.opened : end]
        if not old.doc:
            self.module.undocumented.append(replace(old, code=source[:MOST_CODE]))
        elif len(source) <= MOST_BODY:
            self.module.entries[closed.place] = replace(old, signature=source)
