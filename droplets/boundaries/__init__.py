"""From outlines to true edges: rays, edges on them, curves through these."""
