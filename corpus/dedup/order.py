"""Who is better: the total order in which survivors are chosen, as the config spells it."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.engine.errors import UserError

DEFAULT = ("score", "length", "date", "id")
# Each key as a Spark SQL expression over `scores` columns that is smaller for the better page. A page without
# the value comes last. Dates are microseconds, which a double holds exactly for 285 years.
_SMALLER_IS_BETTER = {
    "score": "-coalesce(nanvl(double(score), -1D), -1D)",
    "length": "double(-length)",
    "date": "coalesce(double(date), double('infinity'))",
}
_TURNED = {
    "score": "coalesce(nanvl(double(score), double('infinity')), double('infinity'))",
    "length": "double(length)",
    "date": "-coalesce(double(date), double('-infinity'))",
}


def rank_expressions(keys: Sequence[str]) -> list[str]:
    """SQL expressions over (score, length, date, id) whose ascending order is from the best page to the last.

    `score`: higher first, `length`: longer first, `date`: earlier first, `id`: smaller first; a minus sign
    turns one round. Raises UserError unless the order is total, which `id` at the end makes it.
    """
    names = [key.lstrip("-") for key in keys]
    unknown = [name for name in names if name not in (*_SMALLER_IS_BETTER, "id")]
    if unknown:
        raise UserError(f"survivor= names '{unknown[0]}'; valid are score, length, date and id, or -score.")
    if not names or keys[-1] != "id" or len(set(names)) != len(names):
        raise UserError(
            f"survivor={','.join(keys)} is no total order: name each key once and end with id, "
            f"as in survivor={','.join(DEFAULT)}."
        )
    made = [(_TURNED if key.startswith("-") else _SMALLER_IS_BETTER)[key.lstrip("-")] for key in keys[:-1]]
    return [*made, "id"]
