"""Trains the head that finds droplets, on rendered pictures alone; no part of the service."""
