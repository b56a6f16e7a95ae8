"""Texts, voices and faces from registry packages alone: training data for anyone, clips for demos."""
