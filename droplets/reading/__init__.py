"""From a file's bytes to grey values: formats, depth, orientation, pixel size."""
