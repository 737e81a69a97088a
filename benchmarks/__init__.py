"""How fast and how right: run by hand, never in the tests."""
