"""Many pictures without a server: files in, one table out. Nothing here prints."""
