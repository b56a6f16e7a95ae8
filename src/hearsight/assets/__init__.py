"""Weights that ship with the package, each with its origin, licence and SHA-256."""

DEFAULT_MODEL = "small-en"
"""The bundle that is used unless another one is named."""
