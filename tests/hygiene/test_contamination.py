"""Promises of decontamination: an item is found in every dress and place, and generic phrases are no item."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from corpus.hygiene import index, indexing
from corpus.hygiene.batches import cut
from corpus.hygiene.calls import Call
from corpus.hygiene.contamination import Candidate, Scanner, located, proven
from corpus.hygiene.index import BenchmarkIndex
from corpus.hygiene.items import GOLD, QUESTION, Part

RNG = random.Random(3)
FILLER = " ".join(f"word{RNG.randrange(400)}" for _ in range(3000))
LONG = "A cooper has eleven barrels of brine and four empty ones; how many must be refilled before the fleet sails at noon?"
SHORT = "Oil the windmill's crown wheel"
CALL = Call("mill.grind", (("grain", ("winter rye",)), ("bags", ("12",)), ("note", ("", "for the baker"))))
PARTS = [
    Part("toy", "q1", QUESTION, text=LONG),
    Part("toy", "q2", QUESTION, text=SHORT),
    Part("toy", "g1", GOLD, calls=(CALL,)),
    Part("toy", "harbour_quiz_12", QUESTION, text="What is it?"),
    Part("toy", "4", QUESTION, text="What is it?"),
    Part("toy", "a1", GOLD, text="University of Lowmarsh at Stonehaven"),
]


def built(parts: list[Part] = PARTS) -> BenchmarkIndex:
    return indexing.build(parts, size=8, least_words=5)[0]


def found(text: str, known: BenchmarkIndex | None = None, overlap: float = 0.7) -> list[tuple[str, str]]:
    """(item, place in the text) of what a page of this text holds."""
    known = known or built()
    candidates = Scanner(known, overlap=overlap, call_overlap=0.75).scan(text).candidates
    places = located(text, candidates)
    return [
        (known.known[c.part].item, text[start:end])
        for c, (start, end) in zip(candidates, places)
        if proven(c, known.known[c.part], ())
    ]


def amid(text: str) -> str:
    return f"{FILLER}\n{text}\n{FILLER}"


@pytest.mark.parametrize(
    "dressed",
    [
        LONG,
        LONG.upper().replace(" ", "\n"),
        json.dumps({"question": [[{"role": "user", "content": LONG}]]}, indent=4),
        "> " + LONG.replace(", ", "\n> ").replace(";", " --"),
    ],
)
def test_a_question_is_found_in_a_long_page_and_named_with_its_place(dressed: str) -> None:
    [(item, place)] = found(amid(dressed))
    assert item == "q1"
    assert place.lower().startswith("a") and place.lower().endswith("noon")


@pytest.mark.parametrize(
    "written",
    [
        "mill.grind(bags=12, grain='winter rye')",
        "mill.grind(grain='winter rye', note='for the baker', bags=12)",
        '{"name": "mill.grind", "arguments": {"bags": 12, "grain": "winter rye"}}',
        '[{"mill.grind": {"grain": ["winter rye"], "bags": [12], "note": ["", "for the baker"]}}]',
        "tool: mill.grind\n  bags: 12\n  grain: winter rye",
    ],
)
def test_gold_calls_are_found_whatever_their_notation_and_order(written: str) -> None:
    assert [item for item, _ in found(amid(written))] == ["g1"]


def test_documentation_of_the_same_function_is_no_contamination() -> None:
    page = "mill.grind(grain, bags, note='')\nGrinds bags of grain. Example: mill.grind(grain='oats', bags=3)"
    assert found(amid(page)) == []


def test_a_short_item_must_be_there_as_a_whole() -> None:
    assert [item for item, _ in found(amid(SHORT))] == ["q2"]
    assert found(amid("Oil the windmill's crown gear")) == []


def test_a_phrase_that_is_most_of_a_short_item_is_not_the_item() -> None:
    item = "Translate the harbour notice below from Danish to Frisian for Oduya"
    known = built([Part("toy", "s1", QUESTION, text=item)])
    assert found(amid("Translate the harbour notice below from Danish to Dutch"), known) == []
    assert [name for name, _ in found(amid(item.replace("Oduya", "Marta")), known)] == ["s1"]


def test_an_item_that_says_nothing_alone_needs_its_own_id_beside_it() -> None:
    assert found(amid("What is it?")) == []
    record = {"function": ["x"] * 50, "question": "What is it?", "id": "harbour_quiz_12"}
    assert [item for item, _ in found(amid(json.dumps(record)))] == ["harbour_quiz_12"]


@pytest.mark.parametrize("written", ["{}", "> {}?", "- **{}**", "{0}\n\n{0}"])
def test_a_question_of_few_words_is_found_where_it_is_a_line_of_its_own(written: str) -> None:
    question = "Where does Lowmarsh lie"
    known = built([Part("toy", "7", QUESTION, text=f"{question}?")])
    places = [item for item, _ in found(amid(written.format(question)), known)]
    assert places == ["7"] * max(1, written.count("{0}"))
    for part_of_a_line in (f"{question} on the coast", f"Nobody knew: {question}", f'ask("{question}?")'):
        assert found(amid(part_of_a_line), known) == []


def test_a_question_that_everybody_asks_is_no_item_even_on_a_line_of_its_own() -> None:
    parts = [
        Part("toy", str(n), QUESTION, text=text) for n, text in enumerate(("Hello", "Who are you?", "x y"))
    ]
    assert built(parts).known == ()


def test_an_answer_without_its_question_is_no_contamination() -> None:
    assert found(amid("He read law at the University of Lowmarsh at Stonehaven.")) == []


def test_half_an_item_is_a_matter_of_the_overlap() -> None:
    words = LONG.split()
    page = amid(" ".join(words[: len(words) * 3 // 5]))
    assert found(page) == []
    assert [item for item, _ in found(page, overlap=0.5)] == ["q1"]


def test_common_grams_prove_nothing_unless_a_long_item_is_whole() -> None:
    known = built()
    whole, part = (
        Scanner(known, overlap=0.5, call_overlap=0.75).scan(text).candidates[0] for text in (LONG, LONG[:80])
    )
    assert proven(part, known.known[part.part], ()) and not proven(part, known.known[part.part], part.grams)
    assert proven(whole, known.known[whole.part], whole.grams)
    [short] = Scanner(known, overlap=0.5, call_overlap=0.75).scan(SHORT).candidates
    assert not proven(short, known.known[short.part], short.grams)


def test_a_phrase_of_many_items_proves_none_of_them() -> None:
    start = "You are given a list of harbour tools and one request by the master"
    parts = [
        Part("toy", f"t{n}", QUESTION, text=f"{start}: fetch crate{n} by lantern{n} from cellar{n}")
        for n in range(40)
    ]
    known = built(parts)
    assert found(amid(start), known) == []
    assert [item for item, _ in found(amid(parts[7].text), known)] == ["t7"]


def test_every_place_is_reported_once() -> None:
    page = amid(LONG) + "\n" + LONG
    assert [item for item, _ in found(page)] == ["q1", "q1"]


def test_calls_with_arguments_in_common_are_one_place() -> None:
    calls = tuple(
        Call("tide.table", (("port", (port,)), ("week", ("2031-W11",)))) for port in ("Lowmarsh", "Gannet")
    )
    written = "tide.table(week='2031-W11', port='Lowmarsh')\ntide.table(port='Gannet', week='2031-W11')"
    assert len(found(amid(written), built([Part("toy", "g2", GOLD, calls=calls)]))) == 1


def test_the_index_is_the_same_behind_its_files(tmp_path: Path) -> None:
    known = built()
    index.write(str(tmp_path), known)
    loaded = index.load(str(tmp_path))
    page = amid(LONG + "\n" + "mill.grind(bags=12, grain='winter rye')")
    assert found(page, loaded) == found(page, known) != []


def test_equal_items_in_any_order_of_records_find_the_same_pages() -> None:
    page = amid(LONG + "\n" + SHORT)
    assert sorted(found(page, built(PARTS[::-1]))) == sorted(found(page))


def test_cut_takes_whole_lines_and_nothing_else() -> None:
    text = f"before\nintro {SHORT} outro\nafter\n"
    start = text.index(SHORT)
    assert cut(text, [(start, start + len(SHORT))]) == "before\nafter\n"
    assert cut(SHORT, [(0, len(SHORT))]) == ""
    assert cut("a\nb\nc\nd", [(2, 3), (2, 5)]) == "a\nd"


def test_a_page_of_one_repeated_item_is_scanned_to_its_end() -> None:
    found_there = Scanner(built(), overlap=0.7, call_overlap=0.75).scan(f"{LONG}\n" * 2000).candidates
    assert len(found_there) >= 1000 and isinstance(found_there[0], Candidate)
