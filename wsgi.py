"""The WSGI object: `gunicorn -c python:webapp.operations.server wsgi:app`."""

from config import Config
from webapp.factory import create_app

app = create_app(Config.from_env())
