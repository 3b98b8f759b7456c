"""Every setting of the server: its name, its default, what it means, and where it is read from.

Law: the environment beats the file, the file beats the default; a name that is not known or a value
that cannot be is one line that says so. `STATFLOW_BIND` in the environment is `bind` in
`statflow.toml`.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

FILE: Final = "statflow.toml"
PREFIX: Final = "STATFLOW_"

# Of the same prefix, but for clients of a server.
CLIENT_NAMES: Final = frozenset({"STATFLOW_URL", "STATFLOW_KEY", "STATFLOW_CONFIG"})


class SettingsError(Exception):
    """A setting is wrong; the text says which and what it may be."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to run a server. Sizes are in bytes.

    `bind` is an address and a port, `data` the directory of the embedded store server. `redis_url`
    names another server instead. `partitions` is fixed at the first start. `durability` "relaxed"
    may lose about a second of acknowledged points, and every answer then says so. `public_url` is
    how clients reach the server, if not by `bind`.
    """

    bind: str = "127.0.0.1:8080"
    data: str = "data"
    redis_url: str | None = None
    durability: Literal["strict", "relaxed"] = "strict"
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 16
    maxmemory: Annotated[int, Meta(ge=64 * 2**20)] | None = None
    seconds_memory: Annotated[int, Meta(ge=0)] = 256 * 2**20
    public_url: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    @property
    def host(self) -> str:
        """The address of `bind`, without the brackets of IPv6."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of `bind`; 0 is any."""
        return int(self.bind.rpartition(":")[2])


def load_settings(
    environ: Mapping[str, str], given: Mapping[str, object] | None = None, file: Path | None = None
) -> Settings:
    """The settings of a file and the environment; `given` beats both. SettingsError when wrong."""
    values: dict[str, object] = _from_file(file) | _from_environment(environ) | dict(given or {})
    try:
        settings = msgspec.convert(values, Settings, strict=False)
        int(settings.port)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{error}; see the table of settings in the README") from None
    except ValueError:
        raise SettingsError(f"bind: {values['bind']!r} is not address:port") from None
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("tls_cert and tls_key belong together; give both or none")
    return settings


def _from_file(file: Path | None) -> dict[str, Any]:
    path = file or Path(FILE)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return {}
        raise SettingsError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    found = {}
    for name, value in environ.items():
        if name.startswith(PREFIX) and name not in CLIENT_NAMES and value:
            if name not in names:
                raise SettingsError(f"{name} is no setting; known are {', '.join(sorted(names))}")
            found[names[name]] = value
    return found
