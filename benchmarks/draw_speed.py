"""How many mouth crops, and whole faces, are drawn per second of one core.

python benchmarks/draw_speed.py [FOLDER OF THE PACKAGES]
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.clip import Shot, draw_clip
from hearsight.lab.synth.crops import MouthArtist, sample_scene
from hearsight.lab.synth.head import HeadMesh, load_head
from hearsight.lab.synth.identity import sample_identity
from hearsight.lab.synth.speech import Utterance
from hearsight.lab.synth.visemes import curves

PHONES = "plˈAs ɹˈɛd æt ʤˈi nˈIn nˈW."
DURATIONS = [15, *[2] * len(PHONES), 14]
PEOPLE = 20


def draw_people(mesh: HeadMesh) -> int:
    ticks = round(sum(DURATIONS) / 40 * 25)
    for seed in range(PEOPLE):
        rng = np.random.default_rng(seed)
        weights = curves(PHONES, DURATIONS, ticks, mesh.unit_names)
        MouthArtist(mesh, sample_identity(mesh, rng)).draw(weights, sample_scene(rng, ticks), rng)
    return PEOPLE * ticks


def draw_faces(mesh: HeadMesh) -> int:
    utterance = Utterance("place red at g nine now", PHONES, DURATIONS, np.zeros(0, np.float32))
    return len(draw_clip(mesh, utterance, Shot()))


def main() -> None:
    cv2.setNumThreads(1)
    assets = Assets.open(sys.argv[1] if len(sys.argv) > 1 else None)
    mesh = load_head(assets.head_wheel, assets.head_cache)
    for what, draw in (("mouth crops, one person per clip", draw_people), ("480x360 faces", draw_faces)):
        draw(mesh)  # compiles, fills the caches
        start = time.process_time()
        count = draw(mesh)
        print(f"{what}: {count / (time.process_time() - start):.0f} per CPU-second")


if __name__ == "__main__":
    main()
