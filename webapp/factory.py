"""Putting Plumbline together, in reading order."""

import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask_babel import get_locale
from jinja2 import StrictUndefined

from config import Config
from webapp import commands
from webapp.accounts import notices
from webapp.accounts import views as accounts
from webapp.attachments import views as attachments
from webapp.attachments.models import Attachment
from webapp.box_link import clients
from webapp.box_link import views as box_link
from webapp.companies import box_switch, manager
from webapp.companies import views as companies
from webapp.core import (
    blobs,
    errors,
    formats,
    incoming,
    logs,
    private_files,
    security,
    settings,
    statics,
    unsent,
)
from webapp.core.converters import IdConverter, TokenConverter
from webapp.core.database import init_database
from webapp.core.extensions import babel, compress, db, limiter, migrate
from webapp.core.languages import SOURCE, locale_of
from webapp.core.limits import init_limits
from webapp.core.names import BLOCKED_EXTENSIONS
from webapp.core.sessions import ServerSessions
from webapp.core.text import ngettext, said, step_text
from webapp.imports import tasks
from webapp.imports import views as imports
from webapp.imports.importer import Importer
from webapp.imports.models import ImportItem
from webapp.imports.walker import Walker
from webapp.mail import transports
from webapp.operations import health
from webapp.picker.views import create_blueprints
from webapp.records.models import Record
from webapp.tools import catalog, naming, notification_pages, page, routes, values
from webapp.tools.converters import BoxToolConverter, ToolConverter
from webapp.tools.extensions import document_source_pages
from webapp.tools.extensions.emails import outgoing
from webapp.tools.people import company as people
from webapp.tools.people import settings as company_settings
from webapp.tools.registry import TOOLS
from webapp.wiring import chores, newer, opening, own_letters, targets
from webapp.wiring.help import help_facts
from webapp.wiring.picker_host import PlumblineHost
from webapp.wiring.shell import shell

ROOT = Path(__file__).resolve().parent.parent
RECORD_PREFIX = "/projects/<id:project_id>/<tool:tool>/<id:record_id>/attach"
BOX_RECORD_PREFIX = "/projects/<id:project_id>/<box_tool:tool>/<id:record_id>/attach/box"
NEWER_PREFIX = "/projects/<id:project_id>/<box_tool:tool>/<id:record_id>/newer"
ROW_PREFIX = "/projects/<id:project_id>/<tool:tool>/<id:record_id>/rows/<id:row_id>/attach"
BOX_ROW_PREFIX = (
    "/projects/<id:project_id>/<box_tool:tool>/<id:record_id>/rows/<id:row_id>/attach/box"
)
FORM_MAX_BYTES = 1 << 20
FORM_MEMORY_BYTES = 512 * 1024
FORM_PARTS = 500
FILE_ENDPOINTS = frozenset({"attach.upload", "row_attach.upload", "attach.part", "row_attach.part"})

assert catalog


def create_app(config: Config) -> Flask:
    """Return a Plumbline that serves requests and, through its queue, copies files."""
    logs.init_logs(config)
    private_files.keep_private(config)
    app = Flask("webapp", root_path=str(ROOT), static_folder=None, template_folder="templates")
    _configure(app, config)
    settings.install(app, config)
    init_database(app, config.database_url, connections=config.pool_connections)
    blobs.install(app, blobs.make_blobs(config.storage_url))
    transports.install(app, transports.make_transport(config.mail_url, own_name=config.mail_domain))
    app.before_request(_allow_large_uploads)
    incoming.init_incoming(app)
    _init_extensions(app, config)
    security.init_security(app, config)
    unsent.init_unsent(app)
    errors.init_errors(app)
    formats.init_formats(app)
    notices.init_notices(app)
    statics.init_statics(app, ROOT / "static")
    _init_templates(app)
    _init_routes(app)
    _init_queue(app, config)
    commands.init_commands(app)
    return app


def _configure(app: Flask, config: Config) -> None:
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=FORM_MAX_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_MEMORY_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE=locale_of(SOURCE),
        PREFERRED_URL_SCHEME="https" if config.is_https else "http",
    )
    app.session_interface = ServerSessions(opening.read_session, secure=config.is_https)


def _init_extensions(app: Flask, config: Config) -> None:
    babel.init_app(app, locale_selector=opening.locale, timezone_selector=opening.timezone)
    # Pages alone: what people download goes out as it was verified, and a token of a form differs
    # from answer to answer, so that its length tells nothing.
    app.config.update(
        COMPRESS_ALGORITHM=["gzip"], COMPRESS_MIMETYPES=["text/html"], COMPRESS_STREAMS=False
    )
    compress.init_app(app)
    init_limits(app, config.queue_url, is_embedded=config.queue_is_embedded)
    limiter.init_app(app)
    app.after_request(_say_when_again)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)


def _say_when_again(response: Response) -> Response:
    """Tell programs, too, when an action that came too often may be repeated."""
    reached = limiter.current_limit
    if response.status_code == 429 and reached is not None:
        # Flask-Limiter has rounded that moment up to a whole second already.
        wait = max(1, int(reached.reset_at - time.time()))
        response.headers["Retry-After"] = str(wait)
    return response


def _allow_large_uploads() -> None:
    """Let files through to the addresses that take them, before anything reads the body."""
    if request.endpoint in FILE_ENDPOINTS:
        request.max_content_length = settings.settings().file_max_bytes + FORM_MAX_BYTES


def _init_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(ngettext=ngettext, step_text=step_text)
    app.add_template_global(shell)
    app.add_template_global(attachments.url_in_box)
    app.add_template_global(naming.number_of)
    app.add_template_global(naming.name_of)
    app.add_template_global(lambda: str(get_locale()).replace("_", "-"), "locale")
    app.add_template_filter(page.event_text)
    app.add_template_filter(naming.creator_of)
    app.add_template_filter(values.change_text)
    app.add_template_filter(said)
    app.add_template_filter(box_switch.step_text, "box_step")


def _init_routes(app: Flask) -> None:
    app.url_map.converters.update(
        id=IdConverter, token=TokenConverter, tool=ToolConverter, box_tool=BoxToolConverter
    )
    app.register_blueprint(health.bp)
    app.register_blueprint(accounts.bp)
    app.register_blueprint(companies.bp)
    app.register_blueprint(manager.bp)
    app.register_blueprint(box_link.create_blueprint(targets.link_use, help_facts))
    app.register_blueprint(attachments.create_blueprint(targets.may_remove, _page_of))
    app.register_blueprint(
        imports.create_blueprint(
            imports.Host(targets.may_cancel, _page_of, _name_of, targets.place_of)
        )
    )
    app.register_blueprint(routes.bp)
    app.register_blueprint(people.bp)
    app.register_blueprint(company_settings.bp)
    app.register_blueprint(notification_pages.bp)
    host = PlumblineHost()
    dialog, box = create_blueprints(host)
    app.register_blueprint(newer.create_blueprint(host), url_prefix=NEWER_PREFIX)
    documents = document_source_pages.create_blueprint(host)
    app.register_blueprint(dialog, url_prefix=RECORD_PREFIX)
    app.register_blueprint(box, url_prefix=BOX_RECORD_PREFIX)
    app.register_blueprint(dialog, url_prefix=ROW_PREFIX, name="row_attach")
    app.register_blueprint(box, url_prefix=BOX_ROW_PREFIX, name="row_box_picker")
    app.register_blueprint(documents, url_prefix=f"{RECORD_PREFIX}/documents")
    app.register_blueprint(
        documents, url_prefix=f"{ROW_PREFIX}/documents", name="row_documents_picker"
    )


def _page_of(row: Attachment | ImportItem) -> str:
    record = db.session.get_one(Record, row.record_id)
    tool: Any = TOOLS.get(row.tool_key)
    return targets.record_url(tool, record)


def _name_of(item: ImportItem) -> str:
    tool: Any = TOOLS.get(item.tool_key)
    return naming.name_of(tool, db.session.get_one(Record, item.record_id))


def _init_queue(app: Flask, config: Config) -> None:
    with app.app_context():
        access = clients.make_box_access(config)
        clients.install(access)
        importer = Importer(
            blobs=blobs.blobs(),
            client_for=lambda person_id, session_hash: access.client(
                person_id=person_id, session_hash=session_hash
            ),
            targets=targets.PlumblineTargets(),
            file_max_bytes=config.file_max_bytes,
        )
    walker = Walker(
        client_for=importer.client_for,
        targets=importer.targets,
        file_max_bytes=config.file_max_bytes,
        files_max=config.files_per_action,
        blocked_extensions=BLOCKED_EXTENSIONS,
    )
    tasks.install(
        tasks.make_queue(
            app,
            config.queue_url,
            importer,
            threads=config.copy_threads,
            chores=chores.chores(),
            errands=(own_letters.ERRAND, outgoing.ERRAND, walker.errand()),
        )
    )
    chores.connect_signals()
    own_letters.connect(app)
