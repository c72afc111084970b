"""The running application's Config, typed."""

from flask import Flask, current_app

from config import Config

_KEY = "plumbline.config"


def install(app: Flask, config: Config) -> None:
    app.extensions[_KEY] = config


def settings() -> Config:
    """Return the settings of the application in whose context we are."""
    config = current_app.extensions[_KEY]
    assert isinstance(config, Config)
    return config
