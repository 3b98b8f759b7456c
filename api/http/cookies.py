"""Cookies of people who log in, and whether a request with one comes from a page of ours. Pure.

Law: a cookie proves who asks, never that they meant to: what changes anything must come from our
own origin and carry the token of the session, which no other page can know.
"""

from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, Literal
from urllib.parse import urlsplit

from api.accounts.records import LIFE_MS
from api.accounts.sessions import DEVICE_LIFE_MS, Entered, csrf_of
from api.http.messages import Header, RawRequest
from api.http.problems import Problem

Transport = Literal["secure", "loopback", "refused"]
"""https; http that no other machine hears; http that others hear."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

CSRF_HEADER: Final = b"x-csrf-token"

WHY_REFUSED: Final = (
    "log-in is off: passwords would travel in the clear. Set tls_cert and tls_key, or public_url to"
    " the https address of the proxy in front"
)


@dataclass(frozen=True, slots=True)
class Cookies:
    """How people's browsers are recognised; the names say which rules browsers hold them to."""

    transport: Transport

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.transport == "secure" else ""

    def session_of(self, request: RawRequest) -> str | None:
        """The token of the session."""
        return self._value(request, f"{self._prefix}sf_s")

    def device_of(self, request: RawRequest) -> str | None:
        """The token by which the browser is known."""
        return self._value(request, f"{self._prefix}sf_d")

    def check(self) -> None:
        """Problem when nobody may log in over this transport."""
        if self.transport == "refused":
            raise Problem("insecure_transport", f"{WHY_REFUSED}.".capitalize())

    def entered(self, entered: Entered) -> list[Header]:
        """What makes a browser remember a log-in."""
        headers = [self._set("sf_s", entered.token, LIFE_MS // 1000)]
        if entered.device is not None:
            headers.append(self._set("sf_d", entered.device, DEVICE_LIFE_MS // 1000))
        return headers

    def left(self) -> list[Header]:
        """What makes a browser forget the session; it stays known."""
        return [self._set("sf_s", "", 0)]

    def _set(self, name: str, value: str, age_s: int) -> Header:
        secure = "; Secure" if self.transport == "secure" else ""
        text = f"{self._prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}"
        return b"set-cookie", (text + secure).encode()

    def _value(self, request: RawRequest, name: str) -> str | None:
        """One cookie; None when it is missing, or there are two that differ."""
        if self.transport == "refused":
            return None
        found = set()
        for header in request.all(b"cookie"):
            for pair in header.decode("latin1").split(";"):
                key, _, value = pair.strip().partition("=")
                if key == name and value:
                    found.add(value)
        return found.pop() if len(found) == 1 else None


def transport_of(public_url: str, *, tls: bool, loopback: bool) -> Transport:
    """How safe it is to log in at a server; `loopback` when only its own machine reaches it."""
    if tls or public_url.startswith("https://"):
        return "secure"
    return "loopback" if loopback else "refused"


def check_csrf(request: RawRequest, token: str, public_url: str) -> None:
    """Problem when a request that changes something was not made by a page of ours."""
    if request.method in SAFE_METHODS:
        return
    check_own(request, public_url, required=True)
    given = request.header(CSRF_HEADER) or b""
    if not compare_digest(given, csrf_of(token).encode()):
        raise Problem("csrf", "Send the header X-CSRF-Token with what GET /v1/auth/session tells.")


def check_own(request: RawRequest, public_url: str, *, required: bool = False) -> None:
    """Problem when a browser says that another site made the request; or does not say it."""
    site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    if site is not None:
        own = site == b"same-origin"
    elif origin is not None:
        own = is_own(origin, request, public_url)
    else:
        own = not required
    if not own:
        raise Problem("csrf", "Only pages of this server may do this; use an API key elsewhere.")


def is_own(origin: bytes, request: RawRequest, public_url: str) -> bool:
    """Whether pages of this origin are ours."""
    given = urlsplit(origin.decode("latin1"))
    own = {urlsplit(public_url).netloc, (request.header(b"host") or b"").decode("latin1")}
    return given.scheme in {"http", "https"} and given.netloc in own
