"""Is the service well: container, tunnel, and the levels made of them."""
