"""Errors a user can mend: one sentence that names the thing and what to do next."""

from __future__ import annotations


class HearsightError(Exception):
    """Bad input or a missing part; the command line prints it as one line and exits with 2."""


class MediaError(HearsightError):
    """A file or stream cannot be read as sound or pictures."""


class BundleError(HearsightError):
    """A model bundle is missing, damaged, or not one of ours."""


class ManifestError(HearsightError):
    """A manifest line is not what the documentation says."""
