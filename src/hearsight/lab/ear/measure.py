"""The table of word error rates that ``python -m hearsight.lab.ear evaluate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from hearsight.evaluate.noise import read_noise
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.distil import read_ear
from hearsight.lab.ear.encoder import Chunking
from hearsight.lab.ear.evaluate import (
    Ear,
    Heard,
    Utterance,
    error_rate,
    in_noise,
    read_utterances,
    silent_window,
    understand,
)
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.reading import Reader
from hearsight.lab.train import keep_freed_memory


@dataclass(frozen=True, slots=True)
class Setting:
    """What is heard: the splits of a manifest, clean and in noise."""

    manifest: Path
    splits: tuple[str, ...] = ()
    noise: Path | None = None
    levels: tuple[float, ...] = ()
    limit: int | None = None

    def conditions(self) -> dict[str, list[Utterance]]:
        """The utterances by condition."""
        clean = read_utterances(self.manifest, self.splits, self.limit)
        conditions = {"clean": clean}
        if self.noise is not None:
            noise = read_noise(self.noise)
            conditions |= {f"{level:g} dB": in_noise(clean, noise, level) for level in self.levels}
        return conditions


def measure(
    assets: EarAssets,
    checkpoints: Sequence[Path],
    setting: Setting,
    *,
    offline: bool = True,
    show_errors: bool = False,
) -> None:
    """Print a row for each ear: the published one, then the checkpoints, or the untrained streaming form."""
    keep_freed_memory()
    torch.set_num_threads(1)
    conditions = setting.conditions()
    reader = Reader.load(assets)
    whole = pretrained_encoder(assets)
    encoders = {"offline": whole} if offline else {}
    encoders |= {str(path): read_ear(path) for path in checkpoints}
    if not checkpoints:
        encoders["streaming, untrained"] = pretrained_encoder(assets, Chunking())
    words = sum(error_rate([Heard(one, "")]).words for one in conditions["clean"])
    print(f"| word errors % of {words} words |" + "".join(f" {name} |" for name in conditions))
    print("| --- |" + " --- |" * len(conditions), flush=True)
    silence = silent_window(whole)
    for name, encoder in encoders.items():
        heard = {key: understand(Ear(encoder, silence), reader, said) for key, said in conditions.items()}
        cells = "".join(f" {error_rate(one).percent:.1f} |" for one in heard.values())
        print(f"| {name} |{cells}", flush=True)
        if show_errors:
            _show(heard)


def _show(heard: dict[str, list[Heard]]) -> None:
    for key, ones in heard.items():
        for one in ones:
            if one.errors.errors:
                print(f"    {key}: {one.utterance.id}: {one.utterance.text} -> {one.text}")
