"""Sentences as they are spoken: lower case words without punctuation, found in texts of several kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from hearsight.errors import HearsightError

WORDNET = Path("/usr/share/wordnet")
"""Where Debian's package wordnet-base puts its data files."""
FORTUNES = Path("/usr/share/games/fortunes")
"""Where Debian's package fortunes puts its texts."""
MIN_WORDS, MAX_WORDS = 3, 14
FULL_LINE = 55
"""Letters in the lines of wrapped prose, at least; few sentences that stand on a line are so long."""

_NOT_PROSE = re.compile(
    r"\.(dat|u8)$|ascii|art$|debian|kernel|knghtbrd|linux|perl|computers|tao|translate|zippy"
)
_UNSUITABLE = re.compile(
    r"\b(sex\w*|fuck\w*|shit\w*|rap(e|es|ed|ist\w*)|whore\w*|nigg\w*|bitch\w*|cocks?|penis|vagina|breasts?|suicid\w*"
    r"|murder\w*|kill\w*|nazi\w*|hitler|slut\w*|jews?|negro\w*|damn\w*|hell|bastard\w*|drunk\w*|crap|pee)\b"
)
_PUNCTUATION = re.compile(r"[,.!?;:\"()\[\]…–—]|--")
_STRAY_APOSTROPHE = re.compile(r"(?<![a-z])'+|'+(?![a-z])")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+")


def normalise(text: str) -> str | None:
    """Lower case words separated by single spaces, or None where the text cannot be said just as written.

    Refused are figures, abbreviations with signs, letters outside English, fewer than 3 or more than 14
    words, and what one would rather not hear from a machine.
    """
    plain = text.lower().replace("\u2019", "'").replace("\u2018", "'").replace("-", " - ")
    plain = _PUNCTUATION.sub(" ", plain.replace(" - ", " "))
    plain = " ".join(_STRAY_APOSTROPHE.sub(" ", plain).split())
    if re.search(r"[^a-z' ]", plain) or not MIN_WORDS <= len(plain.split()) <= MAX_WORDS:
        return None
    return None if _UNSUITABLE.search(plain) else plain


def wordnet_examples(folder: Path) -> Iterator[str]:
    """The example phrases in WordNet's data files ``data.noun`` and its siblings.

    Raises:
        HearsightError: the folder has none.
    """
    for path in _files(folder, "data.*", "data files of WordNet", "wordnet-base", "--wordnet"):
        for line in path.read_text(errors="ignore").splitlines():
            _, _, gloss = line.partition("|")
            yield from re.findall(r'"([^"]+)"', gloss)


def fortunes(folder: Path) -> Iterator[str]:
    """The sentences of the files of Debian's fortunes, without the sources that stand below them.

    Raises:
        HearsightError: the folder has none.
    """
    for path in _files(folder, "*", "fortunes", "fortunes", "--fortunes"):
        if path.is_file() and not _NOT_PROSE.search(path.name):
            for item in path.read_text(errors="ignore").split("\n%\n"):
                yield from split_sentences(re.sub(r"\n\s*--.*", "", item, flags=re.DOTALL))


def text_file(path: Path) -> Iterator[str]:
    """The sentences of a text: wrapped prose with blank lines between paragraphs, or one sentence a line.

    Raises:
        HearsightError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HearsightError(f"{path} cannot be read as text ({error}): check the path") from error
    for paragraph in re.split(r"\n\s*\n", text) if _is_wrapped(text) else text.splitlines():
        yield from split_sentences(paragraph)


def split_sentences(text: str) -> list[str]:
    """What stands between full stops, question and exclamation marks; line ends do not count."""
    return [part for part in _SENTENCE_END.split(" ".join(text.split())) if part]


def _is_wrapped(text: str) -> bool:
    """Whether lines end where they are full: most are long and stop in mid-sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    broken = [line for line in lines if line[-1] not in ".!?\"')"]
    return 2 * len(broken) >= len(lines) > 0 and median(map(len, broken)) >= FULL_LINE


def _files(folder: Path, pattern: str, what: str, package: str, option: str) -> list[Path]:
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if not found:
        mend = f"install Debian's package {package}, or say with {option} where they are"
        raise HearsightError(f"{folder} holds no {what}: {mend}")
    return found
