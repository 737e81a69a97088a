"""What leaves the service: one module a format."""
