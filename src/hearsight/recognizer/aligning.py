"""Which word of one text is which of another."""

from __future__ import annotations

from collections.abc import Sequence


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Which word was heard as which, with the fewest errors (Levenshtein distance over words).

    Returns:
        Places in the reference and in the hypothesis, in order; None in the first is an inserted
        word, None in the second a deleted one.
    """
    rows = [list(range(len(hypothesis) + 1))]
    for said in reference:
        above, row = rows[-1], [rows[-1][0] + 1]
        for place, heard in enumerate(hypothesis):
            row.append(min(above[place] + (said != heard), above[place + 1] + 1, row[place] + 1))
        rows.append(row)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(reference), len(hypothesis)
    while i or j:
        here = rows[i][j]
        if i and j and here == rows[i - 1][j - 1] + (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and here == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]
