"""Lightning as all trainings want it: the state is kept, progress is shown, nothing is done beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only as first_process_only

__all__ = ["first_process_only", "fit", "latest_checkpoint", "make_trainer"]


def latest_checkpoint(path: Path, every: int) -> ModelCheckpoint:
    """Keeps the state in one file: every so many steps, and when the training is broken off."""
    return ModelCheckpoint(
        path.parent,
        filename=path.stem,
        every_n_train_steps=every,
        save_on_exception=True,
        enable_version_counter=False,
    )


def make_trainer(
    out: Path,
    callbacks: Sequence[Callback],
    *,
    max_steps: int,
    validate_every: int,
    bf16: bool,
    processes: int = 1,
) -> pl.Trainer:
    """A trainer that counts steps, not epochs, and logs into ``out``."""
    return pl.Trainer(
        accelerator="auto",
        devices=processes,
        strategy="ddp_find_unused_parameters_true" if processes > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
        max_steps=max_steps,
        gradient_clip_val=5.0,
        val_check_interval=validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=CSVLogger(out, name="log", flush_logs_every_n_steps=50),
        callbacks=list(callbacks),
        log_every_n_steps=25,
        enable_model_summary=False,
        default_root_dir=out,
    )


def fit(trainer: pl.Trainer, module: pl.LightningModule, last: Path) -> None:
    """Train, or go on from the checkpoint ``last`` if there is one.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the state is kept; Lightning would end with an exit code of 1.
    """
    try:
        trainer.fit(module, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    except SystemExit:
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
