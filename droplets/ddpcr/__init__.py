"""Digital PCR: positives and negatives of a fluorescence picture, and their concentration."""
