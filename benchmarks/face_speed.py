"""Prints what the face path costs: python benchmarks/face_speed.py CLIP [CLIP ...].

Milliseconds of processor time for each frame, decoding not counted. The quickest frames tell
what the work costs; the median also tells how busy the machine is.
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from hearsight.capture.files import read_chunks
from hearsight.face import FacePath


def main(clips: list[str]) -> None:
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    path = FacePath.load()
    spent, seen = [], []
    for clip in clips:
        path.reset()
        for chunk in read_chunks(clip, ticks=1):
            start = time.process_time()  # kornia-rs draws in a thread of its own
            crops = path.process(chunk)
            spent.append(1000 * (time.process_time() - start))
            seen.append(crops.video_present[0])
    low, median, high = np.percentile(spent, [5, 50, 95])
    print(f"{len(spent)} frames, a face in {sum(seen)} of them")
    print(f"{low:.2f} ms (5 %), {median:.2f} ms (median), {high:.2f} ms (95 %)")


if __name__ == "__main__":
    main(sys.argv[1:])
