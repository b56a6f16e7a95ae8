"""Figures as they are spoken: "4:30" is "four thirty", "F2" is "f two"; English only.

Texts without figures stay as they are. Figures can be said in several ways ("1995" is a year or a number);
the first way is the likeliest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ("", " thousand", " million", " billion", " trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_UNITS = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_FIGURE = re.compile(
    r"""
      (?P<money>[$£€])\ ?(?P<amount>\d[\d,]*)(?:\.(?P<cents>\d\d))?(?!\d)
    | (?<![\d:])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?![\d:])
    | (?P<ordinal>\d[\d,]*)(?:st|nd|rd|th)\b
    | (?P<decade>\d*0)['’]?s\b
    | (?P<number>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?(?P<percent>\ ?%)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_NUMBER = 15


def cardinal(number: int) -> str:
    """A whole number below a thousand billions, as it is counted."""
    if number == 0:
        return _ONES[0]
    groups = []
    for name in _GROUPS:
        number, rest = divmod(number, 1000)
        if rest:
            groups.append(_below_thousand(rest) + name)
    return " ".join(reversed(groups))


def ordinal(number: int) -> str:
    """A place in a row: "twenty first"."""
    before, _, last = cardinal(number).rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{before} {_ORDINALS.get(last, regular)}".strip()


def readings(text: str) -> list[tuple[str, ...]]:
    """The text in parts, each with the ways in which it can be said; only figures have more than one.

    The first ways joined are :func:`spoken`.
    """
    parts: list[tuple[str, ...]] = []
    done = 0
    for found in _FIGURE.finditer(text):
        parts += [(text[done : found.start()],), tuple(f" {way} " for way in _ways(found))]
        done = found.end()
    return [*parts, (text[done:],)]


def spoken(text: str) -> str:
    """The text with its figures in words, in the likeliest way."""
    return "".join(ways[0] for ways in readings(text))


def _ways(found: re.Match[str]) -> list[str]:
    kind = found.lastgroup if found.lastgroup in ("minute", "ordinal", "decade") else ""
    if found["money"]:
        kind = "money"
    return list(dict.fromkeys(_KINDS[kind](found)))


def _money(found: re.Match[str]) -> Iterator[str]:
    unit, part = _UNITS[found["money"]]
    amount, cents = _whole(found["amount"]), int(found["cents"] or 0)
    for whole in _numbers(found["amount"]):
        said = f"{whole} {_plural(unit, amount)}"
        if not cents:
            yield said
            yield whole
            continue
        yield f"{said} and {cardinal(cents)} {_plural(part, cents)}"
        yield f"{said} {cardinal(cents)}"
        yield f"{whole} {cardinal(cents)}"


def _time(found: re.Match[str]) -> Iterator[str]:
    hour, minute = cardinal(int(found["hour"])), int(found["minute"])
    if minute == 0:
        yield f"{hour} o'clock"
        yield hour
        yield f"{hour} hundred"
    elif minute < 10:
        yield f"{hour} oh {cardinal(minute)}"
        yield f"{hour} o {cardinal(minute)}"
        yield f"{hour} zero {cardinal(minute)}"
    else:
        yield f"{hour} {cardinal(minute)}"
    yield f"{hour} {_digits(found['minute'])}"


def _place(found: re.Match[str]) -> Iterator[str]:
    yield ordinal(_whole(found["ordinal"]))


def _decade(found: re.Match[str]) -> Iterator[str]:
    for way in _numbers(found["decade"]):
        yield f"{way[:-1]}ies" if way.endswith("y") else f"{way}s"


def _number(found: re.Match[str]) -> Iterator[str]:
    after = f" point {_digits(found['decimals'])}" if found["decimals"] else ""
    after += " percent" if found["percent"] else ""
    for way in _numbers(found["number"]):
        yield way + after


_KINDS: dict[str, Callable[[re.Match[str]], Iterator[str]]] = {
    "money": _money,
    "minute": _time,
    "ordinal": _place,
    "decade": _decade,
    "": _number,
}


def _numbers(figures: str) -> Iterator[str]:
    """Ways to say a number: counted, as a year, in pairs, digit by digit."""
    plain = figures.replace(",", "")
    counted = len(plain) <= _LONGEST_NUMBER and (plain == "0" or not plain.startswith("0"))
    if "," not in figures and len(plain) == 4 and not plain.startswith("0"):
        century, year = int(plain[:2]), int(plain[2:])
        if year >= 10:
            pairs = f"{cardinal(century)} {cardinal(year)}"
        elif year:
            pairs = f"{cardinal(century)} oh {cardinal(year)}"
        else:
            pairs = f"{cardinal(century)} hundred"
        if 11 <= century <= 19 or (century == 20 and year >= 10):
            yield pairs
            yield cardinal(int(plain))
        else:
            yield cardinal(int(plain))
            yield pairs
    elif counted:
        yield cardinal(int(plain))
    if counted:
        yield cardinal(int(plain)).replace("hundred ", "hundred and ")
        if 0 < int(plain) % 1000 < 100:
            yield cardinal(int(plain)).replace("thousand ", "thousand and ")
    if len(plain) == 3 and not plain.startswith("0"):
        rest = _digits(plain[1:]) if plain[1] == "0" else cardinal(int(plain[1:]))
        yield f"{cardinal(int(plain[0]))} {rest}"
    yield _digits(plain)
    if "0" in plain:
        yield _digits(plain).replace("zero", "oh")
        yield _digits(plain).replace("zero", "o")


def _whole(figures: str) -> int:
    return int(figures.replace(",", ""))


def _digits(figures: str) -> str:
    return " ".join(_ONES[int(figure)] for figure in figures if figure.isdecimal())


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else "pence" if unit == "penny" else f"{unit}s"


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        words.append(_TENS[rest // 10])
        rest %= 10
    if rest or not words:
        words.append(_ONES[rest])
    return " ".join(words)
