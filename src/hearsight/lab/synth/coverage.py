"""Which phones, pairs of phones and visemes a text exercises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from hearsight.lab.synth.visemes import DIPHTHONGS, VISEME_GROUPS

_SHOWN = 8


@dataclass(slots=True)
class Coverage:
    """Counts over pronunciations in Kokoro's symbols.

    Attributes:
        expected: the phones that the dictionary uses.
        phones: how often each occurs.
        pairs: how often each pair of neighbours occurs, within words and across them.
        visemes: how often each group of phones that look alike occurs; a diphthong counts for both its ends.
    """

    expected: frozenset[str]
    phones: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    visemes: Counter[str] = field(default_factory=Counter)

    def add(self, pronunciation: str) -> None:
        """Count a sentence; stress and length marks are no phones."""
        phones = [symbol for symbol in pronunciation if symbol in _LOOKS]
        self.phones.update(phones)
        self.pairs.update(first + second for first, second in pairwise(phones))
        self.visemes.update(group for phone in phones for group in _LOOKS[phone])

    @property
    def missing(self) -> list[str]:
        """Phones of the language that never occur."""
        return sorted(self.expected - self.phones.keys())

    def describe(self) -> str:
        """A few lines for people."""
        found = self.expected & self.phones.keys()
        rarest = sorted(found, key=lambda phone: (self.phones[phone], phone))[:_SHOWN]
        total = max(1, self.visemes.total())
        lines = [
            f"phones: {len(found)} of {len(self.expected)}, {len(self.pairs)} kinds of pairs; "
            f"rarest {', '.join(f'{phone} {self.phones[phone]}' for phone in rarest)}",
            "visemes: "
            + ", ".join(
                f"{group} {100 * count / total:.1f} %" for group, count in self.visemes.most_common()
            ),
        ]
        if self.missing:
            lines.insert(1, f"phones that are missing: {' '.join(self.missing)}")
        unseen = [group for group in VISEME_GROUPS if group not in self.visemes and self._is_expected(group)]
        if unseen:
            lines.append(f"visemes that are missing: {' '.join(unseen)}")
        return "\n".join(lines)

    def _is_expected(self, group: str) -> bool:
        return any(group in _LOOKS[phone] for phone in self.expected)


_GROUP_OF = {phone: group for group in VISEME_GROUPS for phone in group}
_LOOKS: dict[str, tuple[str, ...]] = {phone: (group,) for phone, group in _GROUP_OF.items()} | {
    symbol: (_GROUP_OF[first], _GROUP_OF[second]) for symbol, (first, second) in DIPHTHONGS.items()
}
"""The viseme, or for a diphthong the two, of each phone."""


def expected_phones(pronunciations: Iterable[str], least: int = 50) -> frozenset[str]:
    """The phones that a dictionary's pronunciations use, without those in fewer than ``least`` words."""
    words = Counter(symbol for word in pronunciations for symbol in set(word) if symbol in _LOOKS)
    return frozenset(symbol for symbol, count in words.items() if count >= least)
