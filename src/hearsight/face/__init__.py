"""Chunk -> Crops: find the speaker's face, follow it, align it, crop the mouth."""

from .path import FacePath, FaceTrack

__all__ = ["FacePath", "FaceTrack"]
