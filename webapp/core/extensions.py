"""Flask's extensions, unbound; `webapp.factory` binds them."""

from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from webapp.core.database import db
from webapp.core.languages import Babel

babel = Babel()
compress = Compress()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, headers_enabled=False)
login_manager = LoginManager()
migrate = Migrate()

__all__ = ["babel", "compress", "csrf", "db", "limiter", "login_manager", "migrate"]
