"""Requests and answers as schemas: what a client may rely on."""
