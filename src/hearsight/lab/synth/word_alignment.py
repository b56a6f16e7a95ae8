"""Word borders for phones that come without them: aligned with the pronunciations that a dictionary gives."""

from __future__ import annotations

import numpy as np

from hearsight.errors import HearsightError
from hearsight.lab.synth.visemes import DIPHTHONGS

PAUSE = " "
MOST_UNLIKE = 0.4
"""Cost of the alignment by phone, from which on another text must have been said."""
_VOWELS = frozenset("iɪᵻɛeæɑaɒʌɐəᵊɜɚɔuʊ") | frozenset(DIPHTHONGS)
_NEVER = 1e9


def with_borders(spoken: list[str], words: list[str]) -> list[int | None]:
    """Where words end: indices of the spoken symbols in order, with None where a word ends without a pause.

    Args:
        spoken: phones, and `PAUSE` where there is one.
        words: phones of each word in the dictionary, the same symbols without stress.

    Raises:
        HearsightError: a word was left out, or the phones are those of other words.
    """
    expected = list(PAUSE.join(words))
    cost, step = _table(spoken, expected)
    if cost > MOST_UNLIKE * len(expected):
        raise HearsightError("The engine pronounces it otherwise than the dictionary: leave it out.")
    found = _trace(step, spoken, expected)
    in_words = "".join(PAUSE if each is None else spoken[each] for each in found)
    if len(in_words.split(PAUSE)) != len(words) or not all(in_words.split(PAUSE)):
        raise HearsightError("The engine leaves out a word: choose another.")
    return found


def _trace(step: list[list[str]], spoken: list[str], expected: list[str]) -> list[int | None]:
    found: list[int | None] = []
    row, column = len(spoken), len(expected)
    while row or column:
        kind = step[row][column]
        if kind != "leave out":
            row -= 1
            found.append(row)
        elif expected[column - 1] == PAUSE:
            found.append(None)
        if kind != "put in":
            column -= 1
    return found[::-1]


def _table(spoken: list[str], expected: list[str]) -> tuple[float, list[list[str]]]:
    """The least cost of changing one into the other, and the last step on the way to every pair of places."""
    cost = np.full((len(spoken) + 1, len(expected) + 1), _NEVER)
    cost[0, 0] = 0
    step = [[""] * (len(expected) + 1) for _ in range(len(spoken) + 1)]
    for row in range(len(spoken) + 1):
        for column in range(len(expected) + 1):
            ways = []
            if row and column:
                change = _change(spoken[row - 1], expected[column - 1])
                ways.append((cost[row - 1, column - 1] + change, "change"))
            if column:
                lost = 0 if expected[column - 1] == PAUSE else 1
                ways.append((cost[row, column - 1] + lost, "leave out"))
            if row:
                ways.append((cost[row - 1, column] + (_NEVER if spoken[row - 1] == PAUSE else 1), "put in"))
            if ways:
                cost[row, column], step[row][column] = min(ways)
    return float(cost[-1, -1]), step


def _change(spoken: str, expected: str) -> float:
    if spoken == expected:
        return 0
    if PAUSE in (spoken, expected):
        return _NEVER
    return 0.5 if (spoken in _VOWELS) == (expected in _VOWELS) else 1.5
