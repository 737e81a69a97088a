"""Where Gunicorn looks for its settings, in the folder that it starts in; api/plumbing has them."""

from api.plumbing.gunicorn_settings import *  # noqa: F403
