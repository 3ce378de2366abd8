"""The longest prefix that fits decides, and a prefix ends where a part of the path ends."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from corpus.crawl.url import host
from corpus.engine.errors import UserError
from corpus.labels.rules import Rules, read

RULES = """
- {prefix: docs.example.org/api, label: positive, who: ada, note: reference}
- {prefix: "https://Docs.Example.org/api/internal/", label: ambiguous, who: ada}
- {prefix: docs.example.org, label: negative, who: bob}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    (tmp_path / "rules.yaml").write_text(RULES)
    return read([str(tmp_path / "rules.yaml")])


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://docs.example.org/api", "positive"),
        ("http://DOCS.example.org:8080/api/call.html", "positive"),
        ("https://docs.example.org/api?q=1", "positive"),
        ("https://docs.example.org/apis/x", "negative"),
        ("https://docs.example.org/api/internal/x", "ambiguous"),
        ("https://docs.example.org/api/internal", "positive"),
        ("https://docs.example.org", "negative"),
        ("https://example.org/api/", None),
        ("https://docs.example.org.evil.net/api/", None),
        ("https://evil.net/docs.example.org/api/", None),
        ("not an address", None),
        ("https://[broken/api", None),
    ],
)
def test_an_address_gets_the_label_of_its_longest_prefix(rules: Rules, url: str, label: str | None) -> None:
    vote = rules.vote(url)
    assert (vote.label if vote else None) == label


def test_a_vote_names_who_looked_and_what_was_seen(rules: Rules) -> None:
    vote = rules.vote("https://docs.example.org/api/x")
    assert vote and vote.given_by == "rule:ada"
    assert vote.rationale == "docs.example.org/api: reference"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {prefix: a.org, label: positive}", "has no 'who'"),
        ("- {prefix: a.org, label: good, who: x}", "label 'good'"),
        ("- {prefix: a.org, lable: positive, who: x}", "did you mean 'label'"),
        ("- {prefix: /api, label: positive, who: x}", "names no host"),
        ("prefix: a.org", "must hold a list"),
        ("- [a", "is no YAML"),
        (
            "- {prefix: a.org, label: positive, who: x}\n- {prefix: a.org, label: negative, who: y}",
            "by x and",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        read([str(tmp_path / "rules.yaml")])


def test_the_review_of_a_round_is_a_file_of_rules(tmp_path: Path) -> None:
    entries = [("docs.a.org/api/", "accept"), ("docs.a.org/blog/", "reject"), ("docs.a.org/x/", None)]
    review = {
        "round": 2,
        "threshold": 0.5,
        "prefixes": [{"prefix": prefix, "pages": 9, "decision": said} for prefix, said in entries],
        "sample": [],
    }
    (tmp_path / "review.yaml").write_text(yaml.safe_dump(review))
    rules = read([str(tmp_path / "review.yaml")])
    found = [rules.vote(f"https://docs.a.org/{path}/1") for path in ("api", "blog", "x")]
    assert [vote.label if vote else None for vote in found] == ["positive", "negative", None]
    assert found[0] and found[0].given_by == "rule:review of round 2"


def test_a_missing_file_of_rules_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.yaml does not exist"):
        read([str(tmp_path / "nothing.yaml")])


def test_the_shipped_prefixes_are_rules(repository: Path) -> None:
    rules = read([str(repository / "corpus" / "labels" / "prefixes.yaml")])
    assert len(rules) > 20
    assert rules.vote("https://docs.rs/serde/latest/serde/").label == "positive"  # type: ignore[union-attr]
    assert rules.vote("https://docs.rs/about/builds").label == "negative"  # type: ignore[union-attr]


def test_no_shipped_prefix_is_of_a_site_that_figures_are_measured_on(
    repository: Path, shared_data: Path
) -> None:
    text = (repository / "corpus" / "labels" / "prefixes.yaml").read_text()
    urls = pq.read_table(shared_data / "web" / "labels.parquet", columns=["url"])["url"].to_pylist()
    origins = (shared_data / "web" / "origins.csv").read_text()
    hosts = {host(url) for url in urls}
    for rule in yaml.safe_load(text):
        name = host(f"https://{rule['prefix']}")
        assert name not in hosts and f"//{name}/" not in origins
