"""What a spread tells of noise."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of normal values over the median of their distances from the middle."""
