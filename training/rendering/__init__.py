"""Renders droplet pictures of every look with exact truth."""
