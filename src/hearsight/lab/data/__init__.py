"""Samples on disk, what is done to them, and batches of them."""
