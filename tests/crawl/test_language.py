from __future__ import annotations

import pytest

from corpus.crawl.language import detect


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The function returns the number of items in the list and raises an error if it is empty.", "en"),
        ("Die Funktion gibt die Anzahl der Elemente der Liste zurück und löst sonst einen Fehler aus.", "de"),
        ("La fonction renvoie le nombre d'éléments de la liste et lève une erreur si elle est vide.", "fr"),
        ("Функция возвращает количество элементов списка и вызывает ошибку, если он пуст.", "ru"),
        ("この関数はリストの要素数を返し、リストが空の場合は例外を発生させます。", "ja"),
        ("42 != 17 {}[]", None),
        ("", None),
    ],
)
def test_languages_are_told_apart(text: str, code: str | None) -> None:
    assert detect(text) == code
