"""A browser of a person: keeps cookies, and does what pages of ours do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from werkzeug.datastructures import Headers

from tests.api.http.harness import Answer, Server

PASSWORD = "correct horse battery"
SESSION = "__Host-sf_s"
DEVICE = "__Host-sf_d"


@dataclass(eq=False)
class Browser:
    """One browser; `csrf` is what its page knows."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str | None = None
    site: str | None = "same-origin"
    set_cookies: list[str] = field(default_factory=list)

    async def send(
        self,
        method: str,
        path: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request as a page of ours makes it; keeps what it is told to."""
        sent = Headers(list((headers or {}).items()))
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if self.site is not None:
            sent.setdefault("sec-fetch-site", self.site)
        if self.csrf is not None:
            sent.setdefault("x-csrf-token", self.csrf)
        answer, self.set_cookies = await self.server.send_raw(
            method, path, json=json, headers=sent, query=query
        )
        for text in self.set_cookies:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        told = answer.headers.get("content-type") == "application/json"
        if answer.status in {200, 201} and told and "csrf" in answer.json:
            self.csrf = answer.json["csrf"]
        return answer

    async def sign_up(self, email: str, **more: Any) -> Answer:  # ruff: ignore[any-type]
        """Sign up."""
        return await self.send(
            "POST", "/v1/auth/signup", {"email": email, "password": PASSWORD, **more}
        )

    async def log_in(self, email: str, password: str = PASSWORD, **more: Any) -> Answer:  # ruff: ignore[any-type]
        """Log in."""
        return await self.send(
            "POST", "/v1/auth/login", {"email": email, "password": password, **more}
        )

    async def session(self) -> Answer:
        """Who this is."""
        return await self.send("GET", "/v1/auth/session")


def token_of(text: str) -> str:
    """The token of the link in a mail or an answer."""
    return text.partition("#token=")[2].split()[0]
