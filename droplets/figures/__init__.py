"""Figures over all droplets of a picture: sizes, packing, clusters, encapsulation."""
