"""The HTTP rooms: thin blueprints that parse, call and serialise."""
