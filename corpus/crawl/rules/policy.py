"""What a page says of its own use: robots directives and text-and-data-mining reservations.

Everything said is annotated, with the agent that it is said to; `asks_to_be_left_out` alone decides what
counts. Licences are in `licences`. All of it is read as claims, not as facts.

Sources: Google's "Robots meta tag, data-nosnippet, and X-Robots-Tag specifications"; noai and noimageai as
introduced by DeviantArt; the TDM Reservation Protocol of the W3C community group.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from corpus.crawl.rules.licences import licence, licence_link
from corpus.crawl.rules.tags import is_hidden, meta_tags

__all__ = ["Statements", "asks_to_be_left_out", "licence", "licence_link", "opt_out", "read", "tdm_policy"]

DIRECTIVES = ("noai", "noimageai", "noindex", "none", "nosnippet", "noarchive", "nocache", "tdm-reservation")
TDM = "tdm-reservation"
# what is honoured unless the config says otherwise; noimageai alone is not: no images are taken here
OPT_OUTS = ("noai", "noindex", "none", TDM)
# those who collect text to train on; a page that shuts out a search engine alone has not spoken to us
AGENTS = (
    "ccbot",
    "gptbot",
    "google-extended",
    "claudebot",
    "anthropic-ai",
    "applebot-extended",
    "meta-externalagent",
    "ai2bot",
)
_HEAD = 256 << 10
_MOST_FOUND = 24
_AGENT = re.compile(r"[a-z*][a-z0-9_.*-]{0,39}")
_ROBOT = re.compile(r"robots|[a-z0-9_.-]*(?:bot|crawler|spider|slurp)[a-z0-9_.-]{0,20}")
# of a header: a directive or an agent, with the colon that tells the latter
_PART = re.compile(r"([^\s,:]+)(\s*:)?")
# directives that have a value behind a colon; they are not the names of agents
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


@dataclass(frozen=True, kw_only=True)
class Statements:
    """What a page says of its own use, as columns: see `opt_out`, `licence_link` and `tdm_policy`."""

    licence: str | None
    licence_url: str | None
    opt_out: str
    tdm_policy: str | None


def read(page: str, *, robots: str = "", link: str = "", tdm: str = "") -> Statements:
    """All of it. The HTTP headers: `robots` is X-Robots-Tag, `link` Link, `tdm` TDM-Reservation."""
    claimed = licence_link(page, link)
    return Statements(
        licence=claimed.name if claimed else None,
        licence_url=claimed.address or None if claimed else None,
        opt_out=opt_out(page, robots, tdm),
        tdm_policy=tdm_policy(page),
    )


def opt_out(page: str, robots_header: str = "", tdm_header: str = "") -> str:
    """The directives that restrict use, from meta tags and HTTP headers: sorted, joined by commas.

    `noindex` is said to everyone, `googlebot:noindex` to that agent. `robots_header` is X-Robots-Tag,
    several of them parted by line feeds; `tdm_header` is TDM-Reservation.
    """
    found = set(_in_headers(robots_header))
    if is_reserved(tdm_header):
        found.add(TDM)
    for place, tag in meta_tags(page):
        said = _in_tag(tag)
        if said and not is_hidden(page, place):
            found |= said
    return ",".join(sorted(found)[:_MOST_FOUND])


def asks_to_be_left_out(
    directives: str, honoured: Collection[str] = OPT_OUTS, agents: Collection[str] = AGENTS
) -> bool:
    """Whether one of the `honoured` directives is said to all or to one of the `agents` (`*`: to any)."""
    for said in directives.split(",") if directives else ():
        agent, _, word = said.rpartition(":")
        if word in honoured and (not agent or agent in agents or "*" in agents):
            return True
    return False


def is_reserved(value: str) -> bool:
    """Whether a TDM-Reservation says that text and data mining is reserved: it is `1` then, and else `0`."""
    return value.strip().strip("\"'")[:1] == "1"


def tdm_policy(page: str, header: str = "") -> str | None:
    """The address of the policy for text and data mining (TDM-Policy), None where there is none."""
    if header.strip():
        return header.strip()[:500]
    if page.find("policy", 0, _HEAD) < 0:
        return None
    for place, tag in meta_tags(page):
        if tag.get("name", "").lower() == "tdm-policy" and tag.get("content") and not is_hidden(page, place):
            return tag["content"][:500]
    return None


def _in_tag(tag: dict[str, str]) -> set[str]:
    name = (tag.get("name") or tag.get("property") or "").lower()
    content = tag.get("content", "").lower()
    if name == TDM:
        return {TDM} if is_reserved(content) else set()
    agents = [agent for agent in re.split(r"[\s,]+", name) if agent in AGENTS or _ROBOT.fullmatch(agent)]
    words = [word for word in re.split(r"[\s,;]+", content) if word in DIRECTIVES] if agents else []
    return {_named(agent, word) for agent in agents for word in words}


def _in_headers(value: str) -> Iterator[str]:
    """`noindex, nofollow` is said to everyone, `otherbot: noindex, nofollow` to that agent, up to the line's
    end.
    """
    for line in value.lower().splitlines():
        agent = ""
        for word, colon in _PART.findall(line[:2_000]):
            if word in DIRECTIVES:
                yield _named(agent, word)
            elif colon and word not in _VALUED and _AGENT.fullmatch(word):
                agent = word


def _named(agent: str, word: str) -> str:
    return word if agent in ("", "robots", "*") else f"{agent}:{word}"
