"""Every setting of the server: its name, its default, what it may be, and where it is read from.

Law: a flag beats the environment, the environment beats the file, the file beats the default. A
name that is not known or a value that cannot be is one line that says where it stands and what may
stand there. `bind` in `statflow.toml` is `STATFLOW_BIND` in the environment and `--bind` as a flag.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from api.accounts.addresses import is_loopback
from api.logs import LogFormat
from api.plans.plan import UNLIMITED, Plan, read_plans
from api.setting_values import (
    ADDRESSES,
    CALLED,
    CALLED_URL,
    MAIL_URL,
    MASTER_KEY,
    MIB,
    NETWORKS,
    ORIGIN,
    PATH,
    SENDER,
    STORE_URL,
    TEXT,
    YES_OR_NO,
    Durability,
    Reading,
    SignUpRule,
    choice,
    shown_size,
    shown_span,
    size,
    span,
    split_address,
    whole,
)

FILE: Final = "statflow.toml"
PLANS: Final = "plans"
"""The table of the file that has the plans."""

PREFIX: Final = "STATFLOW_"

# Of the same prefix, but for the clients of a server, and the name of the file itself.
CLIENT_NAMES: Final = frozenset({"STATFLOW_URL", "STATFLOW_KEY", "STATFLOW_CONFIG"})

# By these, Kubernetes tells every container where a service named "statflow" is.
SERVICE_NAMES: Final = re.compile(
    r"STATFLOW_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)", re.ASCII
)


class SettingsError(Exception):
    """A setting is wrong; the text says where it stands and what may stand there."""


class Settings(Struct, frozen=True, kw_only=True):
    """How to run a server, as `SETTINGS` explains; sizes are in bytes."""

    bind: str = "127.0.0.1:8080"
    data: str = "data"
    redis_url: str | None = None
    durability: Durability = "strict"
    partitions: int = 16
    maxmemory: int | None = None
    seconds_memory: int = 256 * MIB
    public_url: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    default_plan: str = UNLIMITED.name
    stripe_key: str | None = None
    stripe_webhook_secret: str | None = None
    log_format: LogFormat = "text"
    trusted_proxies: tuple[str, ...] = ()
    signup: SignUpRule | None = None
    smtp_url: str | None = None
    mail_from: str | None = None
    webhook_allow: tuple[str, ...] = ()
    master_key: str | None = None
    apprise: bool = False
    heartbeat_url: str | None = None
    operator_alerts: str | None = None
    archive_dir: str | None = None
    archive_every: int = 86_400
    archive_keep: int = 7
    plans: dict[str, Plan] = field(default_factory=lambda: read_plans({}))

    def __repr__(self) -> str:
        shown = (f"{one.name}={getattr(self, one.name)!r}" for one in _ALL if not one.secret)
        return f"<Settings {', '.join(shown)}>"

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Hosts, without the brackets of IPv6, and ports of `bind`; port 0 is any."""
        return [split_address(one) for one in self.bind.split(",")]

    @property
    def host(self) -> str:
        """The host at which this server is known: the first of `bind`."""
        return self.addresses[0][0]

    @property
    def port(self) -> int:
        """The port that goes with `host`."""
        return self.addresses[0][1]

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the server."""
        return all(is_loopback(host) for host, _ in self.addresses)

    @property
    def sign_up_rule(self) -> SignUpRule:
        """Who may sign up: on a machine that nobody else reaches, anybody."""
        return self.signup or ("open" if self.loopback else "closed")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting; `unset` says what the default None comes to.

    A `secret` one is never shown.
    """

    name: str
    metavar: str
    reading: Reading[object]
    meaning: str
    unset: str = ""
    secret: bool = False

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def default(self) -> str:
        """Its default, as people read it."""
        value = getattr(Settings(), self.name)
        if value is None:
            return self.unset
        if self.metavar == "SIZE":
            return shown_size(value)
        if self.metavar == "SPAN":
            return shown_span(value)
        return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


_ALL: Final = (
    Setting(
        "bind", "HOST:PORT", ADDRESSES,
        "where the server listens; the flag may be repeated, and the first is shown to people",
    ),
    Setting("data", "DIR", PATH, "all that is kept; only one server works on it"),
    Setting(
        "redis_url", "URL", STORE_URL,
        "another Redis (≥ 6.2) or Valkey server; its settings are checked at the start",
        unset="the embedded server", secret=True,  # It may hold a password.
    ),
    Setting(
        "durability", "MODE", choice("strict", "relaxed"),
        "relaxed: fsync once a second; a crash may lose that second, and answers say so",
    ),
    Setting("partitions", "N", whole(1, 1024), "parts of the log; fixed at the first start"),
    Setting(
        "maxmemory", "SIZE", size(64 * MIB), "what the embedded server may use",
        unset="half of the machine",
    ),
    Setting("seconds_memory", "SIZE", size(0), "for one-second buckets; the oldest go first"),
    Setting("public_url", "URL", ORIGIN, "how clients reach the server", unset="from `bind`"),
    Setting(
        "tls_cert", "FILE", PATH, "certificate chain (PEM): the server speaks TLS and HTTP/2",
        unset="none",
    ),
    Setting("tls_key", "FILE", PATH, "private key of the certificate (PEM)", unset="none"),
    Setting(
        "default_plan", "NAME", TEXT, "the plan of accounts that have no other: what they may have",
    ),
    Setting(
        "stripe_key", "KEY", TEXT, "secret key of Stripe: with it accounts pay for plans",
        unset="none", secret=True,
    ),
    Setting(
        "stripe_webhook_secret", "SECRET", TEXT,
        "signs what Stripe sends to /v1/billing/stripe", unset="none", secret=True,
    ),
    Setting(
        "log_format", "FORM", choice("text", "json"),
        "json: a JSON object for each line that is logged to stderr",
    ),
    Setting(
        "trusted_proxies", "NETS", NETWORKS,
        "proxies whose X-Forwarded-For says who the client is",
    ),
    Setting(
        "signup", "WHO", choice("open", "invite", "closed"),
        "who may sign up: anybody, who is invited, nobody new",
        unset="open on a loopback bind, else closed",
    ),
    Setting(
        "smtp_url", "URL", MAIL_URL, "the server that sends mails",
        unset="none; mails become files in `outbox` of `data`", secret=True,
    ),
    Setting("mail_from", "SENDER", SENDER, "whose mails they are", unset="statflow@ the host"),
    Setting(
        "webhook_allow", "NETWORKS", NETWORKS,
        "where webhooks may go besides public https: any port there, and plain http",
    ),
    Setting(
        "master_key", "KEY", MASTER_KEY,
        "seals secrets in the store; the first seals, more of them still open",
        unset="made once, in `master.key` of `data`", secret=True,
    ),
    Setting(
        "apprise", "YES", YES_OR_NO, "whether channels of apprise are allowed; it must be installed"
    ),
    Setting(
        "heartbeat_url", "URL", CALLED_URL,
        "called every minute while all is committed, so that a watcher outside notices an outage",
        unset="none", secret=True,
    ),
    Setting(
        "operator_alerts", "WHERE", CALLED, "who is told when this server itself is not well",
        unset="nobody; `/readyz` says it", secret=True,
    ),
    Setting(
        "archive_dir", "DIR", PATH,
        "where every account is written as a zip of open files: docs/export.md", unset="none",
    ),
    Setting("archive_every", "SPAN", span(3_600), "how often that is done"),
    Setting("archive_keep", "N", whole(1, 10_000), "so many of each account are kept"),
)  # fmt: skip

SETTINGS: Final[Mapping[str, Setting]] = {setting.name: setting for setting in _ALL}
"""Every setting by its name, in the order in which they are shown."""


def load_settings(
    environ: Mapping[str, str], given: Mapping[str, object] | None = None, file: Path | None = None
) -> Settings:
    """The settings of a file and the environment; `given`, from flags, beats both.

    Without `file`, `statflow.toml` in the working directory counts if there is one. SettingsError
    when anything is wrong.
    """
    in_file = _from_file(file)
    values: dict[str, Any] = {"plans": _plans(file, in_file.pop(PLANS, {}))}
    for where, found in (
        (str(file or FILE), in_file),
        ("environment", _from_environment(environ)),
        ("command line", given or {}),
    ):
        values |= {name: _read(where, name, value) for name, value in found.items()}
    settings = Settings(**values)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        missing = "tls_cert" if settings.tls_cert is None else "tls_key"
        raise SettingsError(f"{missing} is missing: TLS needs both tls_cert and tls_key")
    if (settings.stripe_key is None) != (settings.stripe_webhook_secret is None):
        raise SettingsError("Stripe needs both stripe_key and stripe_webhook_secret")
    if settings.default_plan not in settings.plans:
        known = ", ".join(settings.plans)
        raise SettingsError(f"default_plan: there is no {settings.default_plan!r}, only {known}")
    if settings.sign_up_rule == "open" and not settings.smtp_url and not settings.loopback:
        raise SettingsError(
            "signup: open beyond this machine needs smtp_url, so that addresses are confirmed; or"
            " choose invite"
        )
    return settings


def settings_table() -> str:
    """All settings as the table of the README (Markdown)."""
    rows = [
        f"| `{one.name}` | {one.default} | {one.reading.allowed} | {one.meaning} |"
        for one in SETTINGS.values()
    ]
    return "\n".join(["| setting | default | may be | meaning |", "|---|---|---|---|", *rows, ""])


def _from_file(file: Path | None) -> dict[str, Any]:
    path = file or Path(FILE)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return {}
        raise SettingsError(f"there is no file {path}; name another, or none") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None


def _plans(file: Path | None, given: object) -> dict[str, Plan]:
    """The tables `[plans.NAME]`, which only a file can have."""
    try:
        return read_plans(given)
    except ValueError as error:
        raise SettingsError(f"{file or FILE}: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    known = {setting.variable: name for name, setting in SETTINGS.items()}
    found = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in CLIENT_NAMES or not value:
            continue
        if variable in known:
            found[known[variable]] = value
        elif not SERVICE_NAMES.fullmatch(variable):
            raise SettingsError(f"{variable} is no setting; {_nearest(variable, known)}")
    return found


def _read(where: str, name: str, value: object) -> object:
    """The value as the setting keeps it."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise SettingsError(f"{where}: {name} is no setting; {_nearest(name, SETTINGS)}")
    try:
        return setting.reading.read(value)
    except ValueError:
        place = {"environment": setting.variable, "command line": setting.flag}.get(
            where, f"{where}: {name}"
        )
        shown = "its value" if setting.secret else repr(value)
        raise SettingsError(f"{place}: {shown} cannot be; {setting.reading.allowed}") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
