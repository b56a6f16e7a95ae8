"""Context phrases: what is likely to be said, and how much that is worth to the beam search.

The phrases are spelled in the network's pieces and held in an automaton (Aho and Corasick, "Efficient
string matching", 1975), whose state every hypothesis carries. A finished phrase makes a hypothesis
likelier by a boost for each of its pieces. An unfinished one is lent the boosts of the pieces that are
there, which keeps it in the beam until the phrase is finished or something else follows; icefall's context
graph does so too, but lets what is lent decide which hypothesis is best, and which others are dropped for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError

if TYPE_CHECKING:
    from hearsight.recognizer.pieces import Pieces

BOOST = 1.5
"""What each piece of a phrase is worth where nothing else is said, in natural log."""
HIGHEST_BOOST = 20.0
"""A boost this high forces a phrase on almost any sound."""


@dataclass(frozen=True, slots=True)
class Hotword:
    """A context phrase.

    Attributes:
        text: one word or several.
        boost: natural log of how much likelier each of its pieces becomes.
    """

    text: str
    boost: float = BOOST

    def __post_init__(self) -> None:
        """Check what was given.

        Raises:
            HearsightError: there is no word, or the boost is none.
        """
        if not self.text.split():
            raise HearsightError("a context phrase has no words: write them before its boost")
        if not 0 < self.boost <= HIGHEST_BOOST:
            raise HearsightError(
                f"the boost {self.boost:g} of the context phrase {self.text!r} is not above 0 and "
                f"up to {HIGHEST_BOOST:g}: {BOOST:g} is usual"
            )

    @classmethod
    def parse(cls, line: str) -> Hotword:
        """A phrase, with its boost after a tab if it has one.

        Raises:
            HearsightError: there is no word, or the boost is none.
        """
        phrase, tab, number = line.partition("\t")
        text = " ".join(phrase.split())
        try:
            return cls(text, float(number)) if tab else cls(text)
        except ValueError:
            raise HearsightError(
                f"the boost {number.strip()!r} of the context phrase {text!r} is no number: "
                f"{BOOST:g} is usual"
            ) from None


def read_hotwords(path: Path) -> list[Hotword]:
    """The context phrases of a text file: one a line, with a boost after a tab where it has its own.

    Raises:
        HearsightError: the file cannot be read, holds no phrase, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise HearsightError(f"{path} cannot be read ({reason}): check the path") from None
    except UnicodeDecodeError:
        raise HearsightError(f"{path} is not a text file in UTF-8: save the phrases as one") from None
    hotwords = [Hotword.parse(line) for line in lines if line.strip()]
    if not hotwords:
        raise HearsightError(f"{path} holds no context phrases: write one a line")
    return hotwords


class ContextState(NamedTuple):
    """How far a hypothesis has come in the phrases.

    Attributes:
        node: of the automaton.
        earned: by the phrases that were finished before the latest label.
    """

    node: int = 0
    earned: float = 0.0


NO_CONTEXT = ContextState()
"""Before the first label."""


class ContextGraph:
    """The automaton over the pieces of all phrases.

    A sequence of labels is worth, for every phrase in it that ends where a word ends, the phrase's boost
    times its number of labels; and for the phrases that it ends in the middle of, the same for what is there
    of the one that makes the most of it. The latter is only lent.

    Args:
        phrases: the labels of each phrase, with the boost of each label. A phrase begins with a label that
            begins a word. Of equal ones the highest boost counts.
        word_ends: ``(vocabulary,)`` bool, whether the word before a label is over.
        words: of the phrases, in small letters.
    """

    def __init__(
        self,
        phrases: Iterable[tuple[Sequence[int], float]],
        word_ends: NDArray[np.bool_],
        words: Iterable[str] = (),
    ) -> None:
        self._word_ends = word_ends
        self.words = frozenset(words)
        self._children: list[dict[int, int]] = [{}]
        self._lent, self._finished = [0.0], [0.0]
        for labels, boost in phrases:
            self._add(labels, boost)
        self._fallback = [0] * len(self._children)
        self._link()
        self._next: dict[int, NDArray[np.intp]] = {}
        self._outlook: dict[int, NDArray[np.float64]] = {}

    @classmethod
    def of(cls, hotwords: Iterable[Hotword], pieces: Pieces) -> ContextGraph:
        """The automaton of some phrases, spelled as a model spells.

        Raises:
            HearsightError: a phrase has characters that the model has no piece for.
        """
        hotwords, labels = list(hotwords), range(pieces.vocabulary_size)
        ends = np.array([pieces.is_silent(label) or pieces.starts_word(label) for label in labels])
        words = [word for one in hotwords for word in one.text.lower().split()]
        return cls([(_spelled(one.text, pieces), one.boost) for one in hotwords], ends, words)

    def step(self, state: ContextState, label: int) -> ContextState:
        """The state after one more label, which is not the blank."""
        earned = state.earned + (self._finished[state.node] if self._word_ends[label] else 0.0)
        return ContextState(int(self._row(state.node)[label]), earned)

    def lasting(self, state: ContextState) -> float:
        """What the finished phrases of the labels up to here are worth, in natural log."""
        return state.earned + self._finished[state.node]

    def lent(self, state: ContextState) -> float:
        """What is lent for the phrase that they end in the middle of."""
        return self._lent[state.node]

    def outlook(self, state: ContextState) -> NDArray[np.float64]:
        """``(2, vocabulary)``: what will be lasting, and what lent, after each label."""
        if state.node not in self._outlook:
            kept = np.where(self._word_ends, self._finished[state.node], 0.0)
            after = self._row(state.node)
            self._outlook[state.node] = np.stack(
                [kept + np.array(self._finished)[after], np.array(self._lent)[after]]
            )
        return self._outlook[state.node] + [[state.earned], [0.0]]

    def _add(self, labels: Sequence[int], boost: float) -> None:
        """Put a phrase into the tree; every node but its last lends for it."""
        node = 0
        for count, label in enumerate(labels, 1):
            if label not in self._children[node]:
                self._children[node][label] = len(self._children)
                self._children.append({})
                self._lent.append(0.0)
                self._finished.append(0.0)
            node = self._children[node][label]
            worth = self._finished if count == len(labels) else self._lent
            worth[node] = max(worth[node], boost * count)

    def _link(self) -> None:
        """Give each node the longest end of its labels that also begins a phrase, and what that is worth."""
        waiting = deque(self._children[0].values())
        while waiting:
            node = waiting.popleft()
            for label, child in self._children[node].items():
                fallback = self._fallback[node]
                while fallback and label not in self._children[fallback]:
                    fallback = self._fallback[fallback]
                self._fallback[child] = self._children[fallback].get(label, 0)
                waiting.append(child)
            fallback = self._fallback[node]
            self._finished[node] += self._finished[fallback]
            self._lent[node] = max(self._lent[node], self._lent[fallback])

    def _row(self, node: int) -> NDArray[np.intp]:
        """``(vocabulary,)``: the node after each label. Made when first needed: few nodes ever are."""
        if node not in self._next:
            row = self._row(self._fallback[node]).copy() if node else np.zeros(len(self._word_ends), np.intp)
            for label, child in self._children[node].items():
                row[label] = child
            self._next[node] = row
        return self._next[node]


def _spelled(text: str, pieces: Pieces) -> tuple[int, ...]:
    """The labels of a phrase; in small letters where the model knows no others."""
    for spelling in (text, text.lower()):
        if (labels := pieces.labels(spelling)) is not None:
            return labels
    letters = dict.fromkeys("".join(text.lower().split()))
    missing = ", ".join(each for each in letters if pieces.labels(each) is None)
    raise HearsightError(
        f"the context phrase {text!r} cannot be spelled by this model, which has no {missing}: "
        "write it as it is spoken, in the letters that the model knows"
    )
