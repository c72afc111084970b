"""Box's OAuth 2.0: the authorize address, the code exchange, refresh and revoke.

authlib does what the standard prescribes (authorize address, exchange); refreshing goes through
`webapp.box.tokens`, because authlib would refresh without our lock, follow a 307 with the secrets,
and take a 429 body for a token.
Source: Box API reference "Authorize user", "Request access token", "Revoke access token".
"""

import io
from dataclasses import dataclass, field
from typing import Any

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from webapp.box import http
from webapp.box.errors import BoxMisconfigured, BoxUnavailable
from webapp.box.tokens import TokenPair, error_of, is_refused_client, token_pair

TOKEN_SECONDS = 8.0
TOKEN_BODY_MAX_BYTES = 64 * 1024
CODE_MAX_LENGTH = 512


@dataclass(frozen=True)
class Authorization:
    """Where to send the person, and what must still be known when they come back."""

    url: str
    state: str
    code_verifier: str = field(repr=False)


@dataclass(frozen=True)
class OAuth:
    """Plumbline as a client of Box: one per installation, no state of its own."""

    client_id: str
    client_secret: str = field(repr=False)
    account_url: str
    api_url: str
    redirect_uri: str

    def authorization(self) -> Authorization:
        """Return a fresh authorize address with 256 bits of state.

        Box ignores the code challenge today, so the state is the only guard; both are sent.
        """
        state, verifier = generate_token(43), generate_token(48)
        with self._session() as session:
            url, _state = session.create_authorization_url(
                f"{self.account_url}/api/oauth2/authorize", state=state, code_verifier=verifier
            )
        return Authorization(url, state, verifier)

    def exchange(self, code: str, *, code_verifier: str) -> TokenPair:
        """Return the pair for an authorization code, which lives 30 seconds.

        Raises InvalidGrant (too late, used before), BoxMisconfigured, BoxUnavailable.
        """
        found: list[TokenPair] = []

        def checked(response: requests.Response) -> requests.Response:
            found.append(token_pair(response.status_code, response.content))
            return response

        with self._session() as session:
            session.register_compliance_hook("access_token_response", checked)
            try:
                session.fetch_token(
                    f"{self.api_url}/oauth2/token",
                    code=code,
                    code_verifier=code_verifier,
                )
            except requests.RequestException as error:
                raise BoxUnavailable(type(error).__name__) from None
        return found[0]

    def refresh(self, refresh_token: str) -> TokenPair:
        """Return the pair that follows this refresh token.

        Raises InvalidGrant, BoxMisconfigured, or BoxUnavailable when the outcome is unknown.
        """
        return self._post_token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, token: str) -> None:
        """Have Box forget a grant; a token it does not know is as good as revoked.

        Raises BoxUnavailable or BoxMisconfigured when Box did not take it, so that it is tried
        again (RFC 7009, section 2.2.1: a 503 leaves the token alive).
        """
        status, body = self._post("/oauth2/revoke", {"token": token})
        if is_refused_client(status, error_of(body)):
            raise BoxMisconfigured("revoke")
        if status not in {200, 400}:
            raise BoxUnavailable(f"revoke answered {status}")

    def _post_token(self, form: dict[str, str]) -> TokenPair:
        status, body = self._post("/oauth2/token", form)
        return token_pair(status, body)

    def _post(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        # Box takes the client's credentials in the body only; Basic is refused.
        form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        request = requests.Request("POST", self.api_url + path, data=form)
        response = http.call(_plain, request, read_seconds=TOKEN_SECONDS)
        body = http.body(response, limit=TOKEN_BODY_MAX_BYTES, seconds=TOKEN_SECONDS)
        return response.status_code, body

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self.client_id,
            self.client_secret,
            redirect_uri=self.redirect_uri,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106  # a method's name
            code_challenge_method="S256",
        )
        session.trust_env = False
        for scheme in ("https://", "http://"):
            session.mount(scheme, _WholeAnswers())
        return session


class _WholeAnswers(HTTPAdapter):
    """Takes authlib's calls out by our own way: bounded in time and size, and never redirected.

    Of an answer only the status and the body are handed on. A session would read a redirect's
    target from its headers, and would wait for a dripping body as long as it drips.
    """

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any
    ) -> requests.Response:
        response = http.send(_plain, request, read_seconds=TOKEN_SECONDS)
        text = http.body(response, limit=TOKEN_BODY_MAX_BYTES, seconds=TOKEN_SECONDS)
        whole = HTTPResponse(io.BytesIO(text), status=response.status_code, preload_content=False)
        return self.build_response(request, whole)


_plain = http.session()
