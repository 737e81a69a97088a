"""`python -m cli` is `sam-droplet`, where the project is not installed."""

from cli.main import app

app()
