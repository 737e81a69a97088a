"""Puts the MobileSAM checkpoint in place: `python -m model.fetch`."""
