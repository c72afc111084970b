"""Box people of the tests, who sign in and grant access the way a browser does."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, DEVON, PASSWORD, SandboxProcess

REDIRECT_URI = "http://127.0.0.1:5000/box/callback"
SECONDS = 30

PEOPLE = {
    "rosa": "rosa.imamura@boxmail.example",
    "mara": "mara.lindqvist@boxmail.example",
    "teo": "teo.vasquez-hale@boxmail.example",
    "lucia": "lucia.penaranda@boxmail.example",
    "anneke": "anneke.brandvold@boxmail.example",
    "kwame": "kwame.ellery@boxmail.example",
    "bryn": "bryn.castellane@boxmail.example",
    "owen": "owen.trask@boxmail.example",
}


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "input":
            self.forms[-1].fields[given["name"]] = given.get("value", "")


class Browser:
    """A person's browser: keeps cookies, follows no redirect by itself."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.http = requests.Session()
        self.http.trust_env = False
        self._sandbox = sandbox

    def open(self, **question: str) -> requests.Response:
        """Open the authorize page; `question` changes or adds parameters, "" leaves one out."""
        params = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "state": "a-state",
        } | question
        return self.http.get(
            f"{self._sandbox.account_url}/api/oauth2/authorize",
            params={name: value for name, value in params.items() if value},
            allow_redirects=False,
            timeout=SECONDS,
        )

    def submit(self, page: requests.Response, **values: str) -> requests.Response:
        """Send the page's first form with some values filled in, and follow redirects in Box."""
        form = forms_of(page)[0]
        answer = self.http.post(
            urljoin(page.url, form.action),
            data=form.fields | values,
            allow_redirects=False,
            timeout=SECONDS,
        )
        location = answer.headers.get("Location", "")
        if location.startswith("/"):
            return self.http.get(
                urljoin(page.url, location), allow_redirects=False, timeout=SECONDS
            )
        return answer

    def sign_in(self, page: requests.Response, login: str = DEVON) -> requests.Response:
        return self.submit(page, login=login, password=PASSWORD)

    def grant(self, login: str = DEVON, **question: str) -> str:
        """Go through both pages and return the code."""
        page = self.sign_in(self.open(box_login=login, **question), login)
        return callback(self.submit(page, decision="grant"))["code"]


def forms_of(page: requests.Response) -> list[Form]:
    reader = _Forms()
    reader.feed(page.text)
    return reader.forms


def callback(answer: requests.Response) -> dict[str, str]:
    """Return what the redirect back to the app carries."""
    assert answer.status_code == 302, f"no redirect: {answer.status_code} {answer.text}"
    parts = urlsplit(answer.headers["Location"])
    assert parts.path.endswith("/box/callback")
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


@dataclass
class Tokens:
    access: str
    refresh: str
    expires_in: int


class App:
    """An app that holds one person's tokens and calls the API with them, plainly."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.http.trust_env = False
        self.tokens = Tokens("", "", 0)

    def link(self, login: str = DEVON, **question: str) -> "App":
        browser = Browser(self.sandbox)
        self.exchange(browser.grant(login, **question))
        browser.http.close()
        return self

    def exchange(self, code: str) -> None:
        answer = self.token(grant_type="authorization_code", code=code)
        assert answer.status_code == 200, answer.text
        self._take(answer.json())

    def refresh(self) -> None:
        answer = self.token(grant_type="refresh_token", refresh_token=self.tokens.refresh)
        assert answer.status_code == 200, answer.text
        self._take(answer.json())

    def _take(self, body: dict[str, Any]) -> None:
        self.tokens = Tokens(body["access_token"], body["refresh_token"], body["expires_in"])

    def token(self, **form: str) -> requests.Response:
        """Post to the token endpoint with the app's own credentials unless `form` has others."""
        credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return self.http.post(
            f"{self.sandbox.api_url}/oauth2/token", data=credentials | form, timeout=SECONDS
        )

    def narrowed(self, scope: str, resource: str = "") -> str:
        """Return a downscoped access token, for one resource like "folders/1" or for all."""
        answer = self.token(
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=self.tokens.access,
            subject_token_type="urn:ietf:params:oauth:token-type:access_token",
            scope=scope,
            **({"resource": f"https://api.box.com/2.0/{resource}"} if resource else {}),
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def revoke(self, token: str) -> requests.Response:
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": token}
        return self.http.post(f"{self.sandbox.api_url}/oauth2/revoke", data=form, timeout=SECONDS)

    def get(
        self,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
        **params: Any,
    ) -> requests.Response:
        """Call /2.0 with the access token; redirects are not followed."""
        bearer = {"Authorization": f"Bearer {self.tokens.access if token is None else token}"}
        return self.http.get(
            f"{self.sandbox.api_url}/2.0{path}",
            params=params,
            headers=bearer | (headers or {}),
            allow_redirects=False,
            stream=stream,
            timeout=SECONDS,
        )

    def location(self, file_id: str, **params: Any) -> str:
        """Return where a file's bytes are."""
        answer = self.get(f"/files/{file_id}/content", **params)
        assert answer.status_code == 302, f"{answer.status_code} {answer.text}"
        return answer.headers["Location"]

    def download(self, file_id: str, **params: Any) -> requests.Response:
        return self.http.get(self.location(file_id, **params), timeout=SECONDS)
