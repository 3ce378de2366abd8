"""A sentence encoder small enough to be made for a test: real architecture, real files, weights from a fixed seed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

TEXT = """
api get post returns json list of the a an in to and is command option file name value user page
weather forecast city rain wind git branch commit rebase merge mail send message bread dough flour
bake function class method argument type string number error code response request server client
"""
WORDS = TEXT.split()


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a one-layer BERT with mean pooling and prompts for query and document."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = tmp_path_factory.mktemp("encoder")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789/:_.,()-")
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{c}" for c in letters),
        *WORDS,
    ]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=48, num_hidden_layers=1, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=128, initializer_range=0.1,
    )  # fmt: skip
    model = transformers.BertModel(config).eval()
    model.save_pretrained(folder / "inner")
    tokenizer.save_pretrained(folder / "inner")
    whole = sentence_transformers.SentenceTransformer(str(folder / "inner"), device="cpu")
    whole.save(str(folder / "model"))
    settings = folder / "model" / "config_sentence_transformers.json"
    known = json.loads(settings.read_text(encoding="utf-8"))
    known["prompts"] = {"query": "request: ", "document": "page: "}
    settings.write_text(json.dumps(known), encoding="utf-8")
    return str(folder / "model")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is built from encoders lies in a folder of the tests; Spark's workers inherit it."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HEPHAESTUS_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()
