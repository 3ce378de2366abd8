"""What became of a page: its way through the stages, by address or by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from corpus.browse.chapters import MISSING, Chapter, chapter_of
from corpus.browse.config import JSON, InspectConfig
from corpus.browse.lookup import Address, by_id
from corpus.browse.road import Stop, road_of
from corpus.browse.rows import take
from corpus.browse.terminal import Paper, as_json, one_line
from corpus.engine.errors import UserError

MOST = 10  # records of one address whose stories are told
SUGGESTED = 3
# The ways through the stages: of pages and of seeds.
_WAYS = (
    (("filter", "pages"), ("dedup", "pages"), ("hygiene", "pages"), ("match", "pages"), ("shard", "")),
    (("seeds", "seeds"), ("hygiene", "seeds"), ("shard", "")),
    (("harvest", "seeds"), ("hygiene", "seeds"), ("shard", "")),
)
# Other stages, such as the classifier, read what these read, and decide on nobody's way.
_ON_THE_WAY = frozenset(stage for way in _WAYS for stage, _ in way)
_COLOURS = {"kept": "green", "dropped": "yellow", "failed": "red", MISSING: "yellow"}


@dataclass(frozen=True)
class Story:
    """One record: its chapters in the road's order, and how it ended."""

    id: str
    url: str
    chapters: tuple[Chapter, ...]
    ending: str

    @property
    def last(self) -> Chapter:
        return [chapter for chapter in self.chapters if chapter.stage in _ON_THE_WAY][-1]


def lines_of(config: InspectConfig, paper: Paper) -> Iterator[str]:
    """The stories that the config asks for, as lines. Raises UserError where nothing can be searched."""
    road = road_of(config.input)
    address = Address(config.url) if config.url else None
    ids = _ids_of(road, address) if address else [config.id]
    stories = [story for name in ids[:MOST] if (story := tell(road, name))]
    if config.format == JSON:
        yield from (as_json(_as_data(story)) for story in stories)
        if not stories:
            yield as_json(
                {"url": config.url, "id": config.id, "ending": _never(road), "near": _near(address)}
            )
        return
    for story in stories:
        yield from _as_text(story, paper)
    if len(ids) > MOST:
        yield f"and {len(ids) - MOST:,} more records of this address; id= tells of one."
    if not stories:
        yield from _unknown(road, config, address)


def _ids_of(road: Sequence[Stop], address: Address) -> list[str]:
    """The ids of all records with an address, in the order of the stages that they came into."""
    ids: dict[str, None] = {}
    for stop in road:
        paths = stop.paths("ledger")
        if stop.stage in _ON_THE_WAY and paths:
            for row in take(paths, address.rows(paths), ("id",)):
                ids[row.values["id"]] = None
    return list(ids)


def tell(road: Sequence[Stop], name: str, *, follow: bool = True) -> Story | None:
    """The story of an id; None where no ledger has it. With `follow` also what became of its survivor."""
    met: list[tuple[Stop, dict[str, Any]]] = []
    for stop in road:
        rows = by_id(stop.paths("ledger"), [name])
        met += [(stop, row.values) for row in _distinct(rows)]
    if not [stop for stop, _ in met if stop.stage in _ON_THE_WAY]:
        return None
    chapters = [chapter_of(stop, row) for stop, row in met]
    if lost := _lost(road, met):
        chapters.append(lost)
    urls = [row["url"] for _, row in met if row["url"]]
    story = Story(name, urls[0] if urls else "", tuple(chapters), "")
    ending = _ending(story, road)
    if follow and story.last.kept_id:
        survivor = tell(road, story.last.kept_id, follow=False)
        if survivor:
            ending += f"; the page kept in its place is {survivor.ending}"
    return replace(story, ending=ending)


def _distinct(rows: Sequence[Any]) -> list[Any]:
    """Ledger rows that say different things: a capture in two archives has two of them."""
    seen: dict[str, Any] = {}
    for row in rows:
        seen.setdefault(repr(sorted(row.values.items(), key=lambda item: item[0])), row)
    return list(seen.values())


def _lost(road: Sequence[Stop], met: Sequence[tuple[Stop, Mapping[str, Any]]]) -> Chapter | None:
    """The stage that should have met a record that the one before it kept, and has not."""
    last, row = [(stop, row) for stop, row in met if stop.stage in _ON_THE_WAY][-1]
    if row["outcome"] != "kept" or last.stage == "shard":
        return None
    for way in _WAYS:
        if (last.stage, last.table) in way:
            behind = way[way.index((last.stage, last.table)) + 1 :]
            following = [stop for stop in road if (stop.stage, stop.table) in behind]
            if following:
                stop = following[0]
                said = f"{last.name} kept it, and {stop.name} has not met it: it was made from something else"
                return Chapter(stop.stage, stop.name, MISSING, "", said)
    return None


def _ending(story: Story, road: Sequence[Stop]) -> str:
    chapter = story.last
    sets = sorted({table for one in story.chapters for table in one.sets})
    if sets:
        held = all(table.startswith("heldout/") for table in sets)
        return f"{'held out of the training sets' if held else 'in the corpus'}: {', '.join(sets)}"
    if chapter.outcome == "kept":
        last = [stop for stop in road if stop.stage in _ON_THE_WAY][-1].stage
        return (
            f"kept by {chapter.stage}, the last stage here"
            if chapter.stage == last
            else f"kept by {chapter.stage}"
        )
    if chapter.outcome == MISSING:
        return f"not in the corpus: {chapter.said}"
    return f"not in the corpus: {chapter.outcome} by {chapter.stage} ({chapter.reason}): {chapter.said}"


def _as_data(story: Story) -> dict[str, Any]:
    chapters = [
        {k: v for k, v in vars(chapter).items() if v not in ("", (), {})} for chapter in story.chapters
    ]
    return {"id": story.id, "url": story.url, "ending": story.ending, "chapters": chapters}


def _as_text(story: Story, paper: Paper) -> Iterator[str]:
    yield paper.styled(one_line(story.url) or "(no address)", "bold")
    yield f"id {one_line(story.id)}"
    yield paper.styled(one_line(story.ending), "green" if story.last.outcome == "kept" else "yellow")
    for chapter in story.chapters:
        head = f"{chapter.folder} ({chapter.stage})" if chapter.folder != chapter.stage else chapter.stage
        because = f" {chapter.reason}: {chapter.said}" if chapter.reason else f" {chapter.said}"
        yield ""
        outcome = paper.styled(chapter.outcome, _COLOURS.get(chapter.outcome, "dim"))
        yield f"  {head:<24} {outcome}{one_line(because)}".rstrip()
        for name, value in chapter.evidence.items():
            for item in value if isinstance(value, list) else [value]:
                yield from (f"    {line}" for line in paper.entry(name, item))
    yield ""


def _unknown(road: Sequence[Stop], config: InspectConfig, address: Address | None) -> Iterator[str]:
    yield f"{one_line(config.url or config.id)}: {_never(road)}"
    if near := _near(address):
        yield "the nearest addresses of that site are:"
        yield from (f"  {one_line(url)}" for url in near)


def _never(road: Sequence[Stop]) -> str:
    """What is said of a record that no ledger has, with what could have held it and could not be read."""
    searched = [stop for stop in road if stop.paths("ledger")]
    if not searched:
        raise UserError(
            "none of the stages here has a ledger; give input= the workspace, or finished stages."
        )
    counted = ", ".join(f"{stop.name} ({stop.found.rows('ledger'):,} records)" for stop in searched)
    said = f"never came in: it is in none of the ledgers of {counted}"
    for stop in searched:
        damaged, failed = stop.found.facts.get("files_damaged"), stop.found.facts.get("files_failed")
        if stop.stage == "filter" and (damaged or failed):
            said += (
                f"; {damaged or 0:,} archives have damaged stretches, {len(failed or ()):,} could not be read"
            )
    return said


def _near(address: Address | None) -> list[str]:
    if address is None:
        return []
    return get_close_matches(address.given, address.near, SUGGESTED, 0.0)
