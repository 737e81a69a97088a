"""Droplets in napari: the layer in view goes to a SAM Droplet service, labels and points come back."""
