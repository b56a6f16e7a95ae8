"""Sentences made up: everyday phrases from templates, and those of GRID's grammar."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator


def _choices(text: str) -> list[str]:
    """What stands between commas."""
    return [" ".join(choice.split()) for choice in text.split(",")]


_UNITS = _choices("one, two, three, four, five, six, seven, eight, nine")
_DIGITS = ["zero", *_UNITS]
_TEENS = _choices("ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen, eighteen, nineteen")
_TENS = _choices("twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety")

GRID_SLOTS = (
    _choices("bin, lay, place, set"),
    _choices("blue, green, red, white"),
    _choices("at, by, in, with"),
    list("abcdefghijklmnopqrstuvxyz"),
    _DIGITS,
    _choices("again, now, please, soon"),
)
"""Words of the six places in a sentence of the GRID corpus (Cooke et al., 2006), which has no letter w."""
LETTER_SLOT = 3

_SLOTS = {
    "name": _choices("""james, mary, john, linda, robert, susan, michael, karen, david, sarah, william, emma,
        thomas, anna, daniel, laura, peter, julia, george, alice, henry, kate, jack, lucy, oliver, sophie,
        martin, grace, simon, ruth"""),
    "day": _choices("monday, tuesday, wednesday, thursday, friday, saturday, sunday"),
    "month": _choices("""january, february, march, april, may, june, july, august, september, october,
        november, december"""),
    "place": _choices("""the office, the station, the kitchen, london, the airport, the park, the library,
        new york, school, the hospital, the market, the hotel, paris, the garden, the meeting room, the beach,
        work, home, the bridge, the theatre"""),
    "thing": _choices("""the report, a cup of coffee, the car, my phone, the tickets, the window, the door,
        your keys, the computer, the camera, the lights, the music, some water, the book, a taxi, the bill,
        lunch, the email, the screen, the microphone, the photograph, a sandwich, the garage, that package,
        the television, breakfast, my jacket"""),
    "action": _choices("""open, close, bring, find, send, check, turn on, turn off, move, show me, look at,
        remember, forget, fix, order, book, cancel, read, start, stop, measure, pick up, put away, choose"""),
    "quality": _choices("""good, bad, late, early, ready, tired, happy, busy, fine, warm, cold, difficult,
        easy, important, wonderful, quiet, loud, beautiful, strange, free, usual, enjoyable, smooth"""),
    "hour": [*_UNITS, "ten", "eleven", "twelve"],
    "digit": _DIGITS,
    "number": [
        *_TEENS,
        *_TENS,
        *(f"{ten} {unit}" for ten in _TENS for unit in _UNITS),
        *(f"{unit} hundred" for unit in _UNITS),
    ],
}
_TEMPLATES = """
hello {name} how are you today
good morning {name} and good morning {name}
good evening everyone
thank you very much
thank you for {thing} {name}
nice to meet you {name}
please {action} {thing}
could you {action} {thing} please
can you {action} {thing} for me
i will {action} {thing} on {day}
we should {action} {thing} before {day}
where is {thing}
i think {thing} is {quality}
{name} is going to {place} on {day}
let us meet at {place} at {hour} o'clock
the meeting starts at {hour} thirty
it is {hour} fifteen in the morning
my number is {digit} {digit} {digit} {digit} {digit} {digit}
the code is {digit} {digit} {digit} {digit}
turn left and then turn right at {place}
what time is it in {place}
what is the weather like in {place}
it will be {quality} and sunny on {day}
i am {quality} today
are you {quality}
that sounds {quality} to me
i do not understand what you said
could you say that again please
speak a little louder please
i can hear you but i cannot see you
can you hear me now
yes that is right
no i do not think so
maybe we can try again on {day}
the train to {place} leaves at {hour} twenty
my birthday is in {month}
the {month} report is {quality}
call {name} and tell {name} to {action} {thing}
remind me to {action} {thing} at {hour} o'clock
set a timer for {number} minutes
play some music in {place}
how much does it cost
it costs {number} dollars
there are {number} people in {place}
i have lived in {place} for {number} years
{name} and {name} are {quality}
we need {number} more chairs in {place}
excuse me where is {place}
i would like {thing} please
do you want to go to {place} with {name}
see you on {day}
see you later {name}
sorry i am late
this is {quality}
that was a {quality} idea {name}
what do you mean by that
{name} is speaking now
please start the recording
please stop the recording
next slide please
any questions so far
let me share my screen
""".strip().splitlines()


def templates(rng: random.Random) -> Iterator[str]:
    """Everyday sentences without end; some come again."""
    while True:
        yield re.sub(r"\{(\w+)\}", lambda slot: rng.choice(_SLOTS[slot[1]]), rng.choice(_TEMPLATES))


def grid(rng: random.Random) -> Iterator[str]:
    """Sentences of GRID's grammar without end; some come again."""
    while True:
        yield " ".join(map(rng.choice, GRID_SLOTS))


def is_grid(text: str) -> bool:
    """Whether a text is one sentence of GRID's grammar."""
    words = text.split()
    return len(words) == len(GRID_SLOTS) and all(
        word in slot for word, slot in zip(words, GRID_SLOTS, strict=True)
    )
