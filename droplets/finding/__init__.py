"""Finds every object of a picture in one pass: a convolutional head on MobileSAM's frozen encoder."""
