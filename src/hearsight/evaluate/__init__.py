"""Measures any bundle: manifests, noise, word error rates, tables; no torch needed."""
