"""Text to HTML. All text that was not written in this package goes through `text` or `foreign`."""

from __future__ import annotations

import html
import math
import re
from typing import Any

# Control characters and those that reorder what is read could disguise a URL or break the page.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?(?:/[\w./%+~=&?-]*)?", re.ASCII)


def visible(value: Any) -> str:
    """The text with control, reordering and invisible characters written out as escapes."""
    return _HIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", str(value))


def text(value: Any) -> str:
    """Any value as text of an element or of a quoted attribute."""
    return html.escape(visible(value), quote=True)


def foreign(value: Any, most: int = 120) -> str:
    """Text from the crawl, shortened, and isolated so that its direction of writing stays its own."""
    shown = visible(value)
    if len(shown) > most:
        return f'<bdi title="{html.escape(shown[:1000])}">{html.escape(shown[: most - 1])}…</bdi>'
    return f"<bdi>{html.escape(shown)}</bdi>"


def link(address: str | None) -> str:
    """A link to an https address, by its host and path; anything else is shown as text."""
    if not address:
        return "–"
    if not _ADDRESS.fullmatch(address):
        return foreign(address)
    words = text(address.removeprefix("https://"))
    return f'<a href="{text(address)}" rel="noreferrer nofollow">{words}</a>'


def sentence(words: str) -> str:
    """The words with a capital at the start, the rest as it is."""
    return words[:1].upper() + words[1:]


def count(value: float | None) -> str:
    """A whole number with thin groups: 13 731."""
    return "–" if value is None else f"{value:,.0f}".replace(",", "\u202f")


def at_least(value: int, exact: bool) -> str:
    """A count that a bounded counter may have cut short."""
    return count(value) if exact else f"more than {count(value)}"


def short(value: float | None) -> str:
    """A number for axes and tiles: 1.2 M, 340 k, 0.25."""
    if value is None or not math.isfinite(value):
        return "–"
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * (10 if unit == "k" else 1):
            return f"{value / size:.3g}\u202f{unit}"
    return count(value) if value == int(value) else f"{value:.3g}"


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}\u202f%"


def decimal(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def size(value: float | None) -> str:
    """Bytes in decimal units."""
    return "–" if value is None else f"{short(value)}B" if value >= 1e4 else f"{count(value)}\u202fB"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = int(seconds // 60)
    if minutes >= 60:
        return f"{minutes // 60}\u202fh {minutes % 60:02d}\u202fmin"
    return f"{minutes}\u202fmin {seconds % 60:02.0f}\u202fs" if minutes else f"{seconds:.1f}\u202fs"
