"""Where Gunicorn looks for its settings in the folder that it starts in: gunicorn_settings.py has them."""

from gunicorn_settings import *  # noqa: F403
