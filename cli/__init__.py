"""The command `sam-droplet`: each module parses, calls and prints."""
