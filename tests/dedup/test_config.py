from corpus.dedup.config import DedupConfig
from corpus.engine.config import build, load_yaml


def test_the_commented_defaults_are_the_defaults(repository):
    written = load_yaml(str(repository / "conf" / "dedup.yaml"))
    places = {"input": "in", "output": "out"}
    assert build(DedupConfig, {**written, **places}) == build(DedupConfig, places)


def test_the_curve_is_told_before_the_run():
    config = build(DedupConfig, {"input": "in", "output": "out", "threshold": 0.7})
    about = config.describe()
    assert about["recall_at_threshold"] >= 0.99
    assert about["collision_curve"]["0.70"] == about["recall_at_threshold"]
