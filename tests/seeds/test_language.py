"""Documentation full of names is English; other languages are still told by script and prose."""

from __future__ import annotations

import pytest

from corpus.seeds.language import language_of

GERMAN = (
    "Der Befehl zeigt alle Dateien in einem Ordner und ihre Größe. Wer mehr über eine Datei wissen möchte, "
    "öffnet sie mit einem Programm, das ihren Inhalt versteht. Ohne Angabe eines Ordners wird der gewählt, "
    "in dem man sich gerade befindet; verborgene Einträge werden dabei nicht gezeigt."
)
NAMES = "get_asyncgen_hooks, set_coroutine_origin_tracking_depth, getallocatedblocks, is_finalizing. " * 6


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("# tar\n\n> 归档实用程序。\n\n- 创建存档并将其写入文件:\n\n`tar cf target.tar file1 file2`", "zh"),
        (
            "# tar\n\n> アーカイブユーティリティ。\n\n- ファイルからアーカイブを作成します。\n\n`tar cf a.tar b`",
            "ja",
        ),
        ("List all of the files that are in this folder, with the size for each of them.", "en"),
        (f"```python\nimport os\n```\n{GERMAN}", "de"),
        ("# `x`\n\n- `a`: b", None),
    ],
)
def test_the_language_of_short_and_long_items(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_names_alone_are_not_taken_for_a_rare_language() -> None:
    assert language_of(NAMES) in ("en", None)
