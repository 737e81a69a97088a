"""Droplets of a series of frames: which is which, how they move, and where they merge and split."""
