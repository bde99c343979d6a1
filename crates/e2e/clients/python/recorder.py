"""Keeps a transcript of everything an SDK sends, as a response hook of its HTTP client: what was asked and answered,
and, apart from that, every secret that crossed the wire, so that a test can look for them in the servers' logs."""

from typing import Any
from urllib.parse import parse_qsl


class Recorder:
    def __init__(self) -> None:
        self.exchanges: list[str] = []
        self.challenges: list[str | None] = []
        self.token_requests: list[dict[str, Any]] = []
        self.secrets: set[str] = set()
        self._access_token: str | None = None

    async def response_hook(self, response: Any) -> None:
        request = response.request
        self.exchanges.append(f"{request.method} {request.url.path} {response.status_code}")
        if response.status_code in (401, 403):
            self.challenges.append(response.headers.get("www-authenticate"))
        if request.headers.get("content-type") == "application/x-www-form-urlencoded":
            await response.aread()
            self._record_token_request(dict(parse_qsl(request.content.decode())), response)

    def _record_token_request(self, form: dict[str, str], response: Any) -> None:
        answer = response.json()
        for name in ("code", "code_verifier", "refresh_token"):
            self.keep_secret(form.get(name))
        for name in ("access_token", "refresh_token"):
            self.keep_secret(answer.get(name))
        self.token_requests.append(
            {
                "grant_type": form["grant_type"],
                "resource": form.get("resource"),
                "status": response.status_code,
                "error": answer.get("error"),
                "scope": answer.get("scope"),
                "expires_in": answer.get("expires_in"),
                "cache_control": response.headers.get("cache-control"),
                "new_access_token": answer.get("access_token") not in (None, self._access_token),
                "new_refresh_token": answer.get("refresh_token") not in (None, form.get("refresh_token")),
            }
        )
        self._access_token = answer.get("access_token")

    def keep_secret(self, value: str | None) -> None:
        if value:
            self.secrets.add(value)
