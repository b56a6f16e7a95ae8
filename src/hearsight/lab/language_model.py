"""A language model for the first pass, counted in text: see :mod:`hearsight.recognizer.language_model`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.config import LANGUAGE_MODEL
from hearsight.recognizer.language_model import ORDER, STEP, LanguageModelConfig, pack_language_model

Numbers = NDArray[np.int64]
Counts = NDArray[np.float64]

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Order:
    """The n-grams of one order.

    Attributes:
        grams: sorted, as numbers in base vocabulary size, the last label the lowest digit.
        counts: how often each came; below the highest order, after how many different labels.
        probabilities: of the last label after those before it.
    """

    grams: Numbers
    counts: Counts
    probabilities: Counts


def add_language_model(
    folder: Path,
    sentences: Iterable[str],
    words: Iterable[str],
    config: LanguageModelConfig,
    *,
    most: int,
    beam_width: int,
) -> int:
    """Make a language model of text and put it into a bundle, in place of one that it may have.

    Args:
        folder: of the bundle.
        sentences: as they are spoken: words, no figures.
        words: further words that there are.
        config: how much it weighs.
        most: n-grams kept, those that tell most.
        beam_width: hypotheses that are worth keeping with it.

    Returns:
        Number of sentences that the model's pieces could spell.

    Raises:
        BundleError: it is no bundle.
        HearsightError: no sentence can be spelled.
    """
    bundle = Bundle.load(folder)
    texts = [" ".join(_WORD.findall(sentence.lower())) for sentence in sentences]
    spelled = [labels for labels in map(bundle.pieces.labels, texts) if labels]
    if not spelled:
        raise HearsightError("no sentence can be spelled with the model's pieces: give other texts")
    known = {word for text in texts for word in text.split()}
    known |= {word for word in map(str.lower, words) if _WORD.fullmatch(word)} | set(ascii_lowercase)
    size = bundle.config.vocabulary_size
    orders = pruned(estimated(counted(spelled, size, bundle.config.blank), size), size, most)
    scores = [_steps(order.probabilities) for order in orders]
    left = [_steps(each) for each in backoffs(orders, size)]
    content = pack_language_model([order.grams for order in orders], scores, left, known)
    path = folder / "config.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    written["files"][LANGUAGE_MODEL] = hashlib.sha256(content).hexdigest()
    written |= {"language_model": asdict(config), "beam_width": beam_width}
    _replace({folder / LANGUAGE_MODEL: content, path: (json.dumps(written, indent=1) + "\n").encode()})
    return len(spelled)


def _replace(contents: Mapping[Path, bytes]) -> None:
    """Write files, none before all can be: whoever is interrupted has the old ones."""
    drafts = {path: path.with_name(path.name + ".new") for path in contents}
    for path, content in contents.items():
        drafts[path].write_bytes(content)
    for path, draft in drafts.items():
        draft.replace(path)


def counted(sentences: Sequence[Sequence[int]], size: int, start: int) -> list[tuple[Numbers, Counts]]:
    """For each order the n-grams of some sentences and how often each comes.

    Args:
        sentences: labels.
        size: of the vocabulary.
        start: label that stands for a sentence's beginning, and never comes last.
    """
    labels = np.array([label for sentence in sentences for label in (start, *sentence)], np.int64)
    lengths = np.array([len(sentence) + 1 for sentence in sentences])
    place = np.arange(len(labels)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    found, numbers = [], labels.copy()
    for order in range(1, ORDER + 1):
        ends = np.flatnonzero(place >= max(order - 1, 1))
        grams, counts = np.unique(numbers[ends], return_counts=True)
        found.append((grams, counts.astype(np.float64)))
        numbers[order:] += labels[: max(len(labels) - order, 0)] * size**order
    return found


def estimated(counts: Sequence[tuple[Numbers, Counts]], size: int) -> list[Order]:
    """Probabilities by interpolated modified Kneser-Ney (S. Chen and J. Goodman, 1998)."""
    orders: list[Order] = []
    for order, (grams, times) in enumerate(counts, 1):
        seen = times if order == len(counts) else _continued(grams, times, counts[order][0], size**order)
        discounts = _discounts(seen)[np.minimum(seen, 3).astype(int)]
        contexts, context = np.unique(grams // size, return_inverse=True)
        total = np.bincount(context, seen, len(contexts))
        freed = np.bincount(context, discounts, len(contexts)) / total
        lower = np.full(len(grams), 1 / size)
        if orders:
            lower = _looked_up(orders[-1].grams, orders[-1].probabilities, grams % size ** (order - 1), lower)
        orders.append(Order(grams, seen, (seen - discounts) / total[context] + freed[context] * lower))
    return orders


def pruned(orders: Sequence[Order], size: int, most: int) -> list[Order]:
    """The n-grams that change most against those one label shorter, in all at most so many.

    All single labels are kept. What an n-gram is worth is its count times the difference of its natural log
    (after A. Stolcke, "Entropy-based pruning of backoff language models", 1998, without the context's own).
    """
    left = backoffs(orders, size)
    worth = [np.full(len(orders[0].grams), np.inf)]
    for length, order in enumerate(orders[1:], 1):
        contexts = np.unique(order.grams // size)
        share = left[length][np.searchsorted(contexts, order.grams // size)]
        without = share * _backed_off(orders[:length], left, order.grams % size**length, size)
        worth.append(order.counts * np.abs(np.log(order.probabilities / without)))
    bar = np.sort(np.concatenate(worth))[::-1][:most][-1]
    return [
        Order(*(each[value >= bar] for each in (order.grams, order.counts, order.probabilities)))
        for order, value in zip(orders, worth, strict=True)
    ]


def backoffs(orders: Sequence[Order], size: int) -> list[Counts]:
    """For each order's contexts: what the labels that never came after one have of its shorter one."""
    found: list[Counts] = []
    for length, order in enumerate(orders):
        contexts, context = np.unique(order.grams // size, return_inverse=True)
        taken = np.bincount(context, order.probabilities, len(contexts))
        shorter = _backed_off(orders[:length], found, order.grams % size**length, size)
        covered = np.bincount(context, shorter, len(contexts))
        found.append(np.clip(1 - taken, 1e-6, 1) / np.clip(1 - covered, 1e-6, 1))
    return found


def _backed_off(orders: Sequence[Order], left: Sequence[Counts], grams: Numbers, size: int) -> Counts:
    """Probabilities of n-grams of the last of some orders, by shorter ones where they are not there."""
    if not orders:
        return np.full(len(grams), 1 / size)
    order, length = orders[-1], len(orders) - 1
    contexts = np.unique(order.grams // size)
    share = _looked_up(contexts, left[length], grams // size, np.ones(len(grams)))
    otherwise = share * _backed_off(orders[:-1], left, grams % size**length, size)
    return _looked_up(order.grams, order.probabilities, grams, otherwise)


def _looked_up(keys: Numbers, values: Counts, wanted: Numbers, otherwise: Counts) -> Counts:
    """The values of what is among the sorted keys, and of the rest what it is otherwise."""
    at = np.searchsorted(keys, wanted)
    there = at < len(keys)
    there[there] = keys[at[there]] == wanted[there]
    found = otherwise.copy()
    found[there] = values[at[there]]
    return found


def _continued(grams: Numbers, times: Counts, longer: Numbers, base: int) -> Counts:
    """After how many different labels each n-gram came; how often, for what begins a sentence."""
    ends, counts = np.unique(longer % base, return_counts=True)
    return _looked_up(ends, counts.astype(np.float64), grams, times)


def _discounts(counts: Counts) -> Counts:
    """What is taken off of n-grams that were seen 0, 1, 2, 3 times or more."""
    once, twice, thrice, four = (max(int((counts == times).sum()), 1) for times in (1, 2, 3, 4))
    share = once / (once + 2 * twice)
    ideal = [0.0, 1 - 2 * share * twice / once, 2 - 3 * share * thrice / twice, 3 - 4 * share * four / thrice]
    return np.clip(ideal, [0, 0.1, 0.1, 0.1], [0, 0.9, 1.8, 2.7])


def _steps(probabilities: Counts) -> NDArray[np.uint8]:
    return np.clip(np.round(-np.log(probabilities) / STEP), 0, 255).astype(np.uint8)
