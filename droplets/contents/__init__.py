"""What droplets hold: beads and cells, and what is what."""
