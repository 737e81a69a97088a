"""Routes: each parses, calls and serialises."""
