"""The pages of Box's sign-in, as plain HTML with one stylesheet and no script."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from box_sandbox.messages import Headers
from box_sandbox.world import Account

if TYPE_CHECKING:
    from box_sandbox.oauth.authorize import Question

STYLESHEET = Path(__file__).with_name("pages.css")
STYLESHEET_PATH = "/api/oauth2/pages.css"

HEADERS: Headers = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – Box sandbox</title>
<link rel="stylesheet" href="{stylesheet}">
</head>
<body>
<header><span class="mark">box</span><span class="sandbox">sandbox</span></header>
<main>
{main}
</main>
<footer>Box sandbox: stands in for Box on this machine. Nothing here reaches Box.</footer>
</body>
</html>
"""


def sign_in(
    action: str, request_token: str, question: "Question", *, failed_login: str | None = None
) -> bytes:
    """Return the page that asks who one is; after a failed try it keeps the e-mail."""
    login = question.box_login if failed_login is None else failed_login
    failed = failed_login is not None
    wrong = (
        '<p class="problem" id="problem" role="alert">That e-mail and password do not match. '
        "Please try again.</p>"
    )
    described = ' aria-describedby="problem" aria-invalid="true"' if failed else ""
    return _page(
        "Log in",
        f"""<h1>Log in to grant access to Box</h1>
<p><strong>{escape(question.client.name)}</strong> would like to reach your Box account.</p>
{wrong if failed else ""}
<form method="post" action="{escape(action)}">
<input type="hidden" name="request_token" value="{escape(request_token)}">
<label for="login">E-mail address</label>
<input id="login" name="login" type="email" autocomplete="username" required
 value="{escape(login)}"{described}{"" if login else " autofocus"}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 {described}{" autofocus" if login else ""}>
<button class="primary">Authorize</button>
</form>
<p class="hint">Every account of the sandbox has the password <code>sandbox</code>.</p>""",
    )


def consent(action: str, request_token: str, question: "Question", account: Account) -> bytes:
    """Return the page that asks whether the app may have access."""
    app = question.client.name
    rights = "Read and write" if "root_readwrite" in question.scopes else "Read"
    hidden = f'<input type="hidden" name="request_token" value="{escape(request_token)}">'
    return _page(
        "Grant access",
        f"""<h1>{escape(app)} wants to reach your Box</h1>
<p class="account"><span>Signed in to Box as</span> <strong>{escape(account.name)}</strong>
<span>{escape(account.login)}</span></p>
<p>With your permission <strong>{escape(app)}</strong> can:</p>
<ul><li>{rights} all files and folders stored in this Box account</li></ul>
<form method="post" action="{escape(action)}">
{hidden}
<button class="primary" name="decision" value="grant">Grant access to Box</button>
<button name="decision" value="deny">Deny</button>
</form>
<form method="post" action="{escape(action)}" class="another">
{hidden}
<p>Not you? <button class="link" name="decision" value="another">Use another account</button></p>
</form>""",
    )


def disabled(app: str) -> bytes:
    """Return the page of a company whose administrator does not allow the app."""
    return _page(
        "Disabled by Administrator",
        f"""<h1>Disabled by Administrator</h1>
<p><strong>{escape(app)}</strong> has been disabled by your Box administrator. Please ask them to
enable it for your company.</p>""",
    )


def refusal(title: str, explanation: str, code: str) -> bytes:
    return _page(
        title,
        f"""<h1>{escape(title)}</h1>
<p>{escape(explanation)}</p>
<p class="hint">Error: <code>{escape(code)}</code></p>""",
    )


def file(name: str, version_number: int) -> bytes:
    """Return what stands in for the page of a file in Box's own web application."""
    return _page(
        name, f"<h1>{escape(name)}</h1>\n<p>Version {version_number} is the current one.</p>"
    )


def _page(title: str, main: str) -> bytes:
    page = _PAGE.format(title=escape(title), stylesheet=STYLESHEET_PATH, main=main)
    return page.encode("utf-8", "replace")
