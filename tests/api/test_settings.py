"""Settings: where they are read from, what they may be, and what is said when they cannot be."""

from pathlib import Path

import pytest

from api.settings import SETTINGS, Settings, SettingsError, load_settings, settings_table

MIB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings({})
    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


def test_a_flag_beats_the_environment_which_beats_the_file() -> None:
    Path("statflow.toml").write_text('bind = "a:1"\ndata = "file"\npartitions = 4\n')
    environ = {"STATFLOW_BIND": "b:2", "STATFLOW_DATA": "environment", "OTHER": "x"}
    settings = load_settings(environ, {"bind": "c:3"})
    assert (settings.bind, settings.data, settings.partitions) == ("c:3", "environment", 4)


def test_a_file_of_another_name(tmp_path: Path) -> None:
    Path("statflow.toml").write_text("partitions = 4\n")
    other = tmp_path / "other.toml"
    other.write_text("partitions = 8\n")
    assert load_settings({}, file=other).partitions == 8
    with pytest.raises(SettingsError, match=r"there is no file .*/none\.toml"):
        load_settings({}, file=tmp_path / "none.toml")


def test_empty_variables_and_those_of_clients_are_passed_over() -> None:
    environ = {"STATFLOW_BIND": "", "STATFLOW_URL": "x", "STATFLOW_KEY": "y"}
    assert load_settings(environ) == Settings()


def test_a_container_beside_a_service_of_our_name_starts() -> None:
    environ = {
        "STATFLOW_SERVICE_HOST": "10.0.0.1",
        "STATFLOW_SERVICE_PORT": "8080",
        "STATFLOW_SERVICE_PORT_HTTP": "8080",
        "STATFLOW_PORT": "tcp://10.0.0.1:8080",
        "STATFLOW_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "STATFLOW_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(environ) == Settings()


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("bind", "0.0.0.0:80", "0.0.0.0:80"),
        ("bind", ":8080", ":8080"),
        ("bind", " [::1]:0 ", "[::1]:0"),
        ("bind", "localhost:65535", "localhost:65535"),
        ("bind", "127.0.0.1:80, [::1]:80", "127.0.0.1:80,[::1]:80"),
        ("bind", [":80", "127.0.0.1:8080,[::1]:0"], ":80,127.0.0.1:8080,[::1]:0"),
        ("data", "~/stats", "/home/someone/stats"),
        ("redis_url", "redis://:secret@db.internal:6379/3", "redis://:secret@db.internal:6379/3"),
        ("redis_url", "unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
        ("redis_url", "rediss://db?ssl_cert_reqs=none", "rediss://db?ssl_cert_reqs=none"),
        ("durability", "relaxed", "relaxed"),
        ("partitions", 64, 64),
        ("partitions", "64", 64),
        ("maxmemory", 64 * MIB, 64 * MIB),
        ("maxmemory", "512 MiB", 512 * MIB),
        ("maxmemory", "2g", 2048 * MIB),
        ("maxmemory", "100000KB", 100_000_000),
        ("seconds_memory", "0", 0),
        ("public_url", "https://stats.example.com/", "https://stats.example.com"),
        ("public_url", "http://[::1]:8443", "http://[::1]:8443"),
        ("trusted_proxies", "10.0.0.0/8, 192.0.2.1", ("10.0.0.0/8", "192.0.2.1/32")),
        ("trusted_proxies", ["fd00::/8"], ("fd00::/8",)),
        ("signup", "invite", "invite"),
        ("smtp_url", "smtp://me:p%40ss@mail:25", "smtp://me:p%40ss@mail:25"),
        ("smtp_url", "smtps://mail", "smtps://mail"),
        ("mail_from", "StatFlow <stats@example.com>", "StatFlow <stats@example.com>"),
        ("mail_from", "root@localhost", "root@localhost"),
    ],
)
def test_what_a_setting_may_be(name: str, given: object, kept: object) -> None:
    assert getattr(load_settings({}, {name: given}), name) == kept


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("bind", "8080"),
        ("bind", "127.0.0.1"),
        ("bind", "127.0.0.1:65536"),
        ("bind", "127.0.0.1:http"),
        ("bind", "::1:8080"),
        ("bind", "http://127.0.0.1:8080"),
        ("bind", 8080),
        ("bind", []),
        ("bind", ":80,"),
        ("bind", [":80", 8080]),
        ("bind", [":0"] * 17),
        ("data", "   "),
        ("data", "a\0b"),
        ("data", "~nobody-of-this-name/x"),
        ("redis_url", "db:6379"),
        ("redis_url", "http://db:6379"),
        ("redis_url", "redis://"),
        ("redis_url", "redis://db:0"),
        ("redis_url", "redis://db:70000"),
        ("redis_url", "unix://"),
        ("redis_url", "redis://db?retry_on_timeout=yes"),
        ("redis_url", "redis://db?nonsense"),
        ("durability", "Strict"),
        ("durability", True),
        ("partitions", 0),
        ("partitions", 1025),
        ("partitions", "16.0"),
        ("partitions", True),
        ("partitions", None),
        ("maxmemory", 64 * MIB - 1),
        ("maxmemory", "1 parsec"),
        ("maxmemory", "-1"),
        ("maxmemory", "9" * 40),
        ("maxmemory", [1]),
        ("seconds_memory", -1),
        ("trusted_proxies", "10.0.0.0/33"),
        ("trusted_proxies", "proxy.internal"),
        ("trusted_proxies", ""),
        ("signup", "everybody"),
        ("smtp_url", "mail:25"),
        ("smtp_url", "http://mail"),
        ("smtp_url", "smtp://mail/path"),
        ("smtp_url", "smtp://mail:0"),
        ("mail_from", "StatFlow"),
        ("mail_from", "a@b.c\r\nBcc: x@y"),
        ("mail_from", "a@b.c, d@e.f"),
        ("public_url", "stats.example.com"),
        ("public_url", "https://stats.example.com/below"),
        ("public_url", "https://stats.example.com?x=1"),
        ("public_url", "https://user@stats.example.com"),
        ("public_url", "ftp://stats.example.com"),
        ("public_url", "https://stats.example.com:99999"),
        ("tls_cert", ""),
    ],
)
def test_what_a_setting_may_not_be(name: str, given: object) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings({}, {name: given})
    line = str(wrong.value)
    assert line.startswith(SETTINGS[name].flag)
    assert line.endswith(SETTINGS[name].reading.allowed)
    assert "\n" not in line


def test_a_wrong_value_is_told_with_its_place_and_a_remedy() -> None:
    Path("statflow.toml").write_text("partitions = 0\n")
    with pytest.raises(SettingsError) as wrong:
        load_settings({})
    assert str(wrong.value) == (
        "statflow.toml: partitions: 0 cannot be; a whole number from 1 to 1024"
    )
    Path("statflow.toml").unlink()
    with pytest.raises(SettingsError, match=r"^STATFLOW_DURABILITY: 'lax' cannot be; strict or "):
        load_settings({"STATFLOW_DURABILITY": "lax"})


def test_a_password_is_not_shown() -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings({"STATFLOW_REDIS_URL": "redis//:secret@db"})
    assert "secret" not in str(wrong.value)
    assert "secret" not in repr(load_settings({"STATFLOW_REDIS_URL": "redis://:secret@db"}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("bnid = 'a:1'", r"statflow\.toml: bnid is no setting; did you mean bind\?"),
        ("[server]\nbind = 'a:1'", r"statflow\.toml: server is no setting"),
        ("wholly_other = 1", "wholly_other is no setting; known are bind, data, "),
        ("bind = a:1", r"statflow\.toml cannot be read: .*line 1"),
        ("bind = 'a:1'\nbind = 'a:2'", r"statflow\.toml cannot be read: "),
    ],
)
def test_a_wrong_file(text: str, why: str) -> None:
    Path("statflow.toml").write_text(text)
    with pytest.raises(SettingsError, match=why):
        load_settings({})


def test_a_file_that_is_no_text() -> None:
    Path("statflow.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({})


def test_a_mistyped_variable() -> None:
    with pytest.raises(SettingsError, match=r"^STATFLOW_PARTITION is no setting; did you mean ST"):
        load_settings({"STATFLOW_PARTITION": "8"})


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, "open"),
        ({"bind": "[::1]:80"}, "open"),
        ({"bind": "0.0.0.0:80"}, "closed"),
        ({"bind": "127.0.0.1:80,[::1]:80"}, "open"),
        ({"bind": "127.0.0.1:80,0.0.0.0:81"}, "closed"),
        ({"bind": ":80", "signup": "invite"}, "invite"),
        ({"bind": ":80", "signup": "open", "smtp_url": "smtp://mail"}, "open"),
        ({"signup": "closed"}, "closed"),
    ],
)
def test_who_may_sign_up(given: dict[str, object], rule: str) -> None:
    assert load_settings({}, given).sign_up_rule == rule


def test_anybody_may_sign_up_only_where_mails_are_sent() -> None:
    with pytest.raises(SettingsError, match="signup: open beyond this machine needs smtp_url"):
        load_settings({}, {"bind": "0.0.0.0:80", "signup": "open"})


@pytest.mark.parametrize("given", ["tls_cert", "tls_key"])
def test_tls_needs_both(given: str) -> None:
    with pytest.raises(SettingsError, match="TLS needs both tls_cert and tls_key"):
        load_settings({}, {given: "x.pem"})
    settings = load_settings({}, {"tls_cert": "c.pem", "tls_key": "k.pem"})
    assert (settings.tls_cert, settings.tls_key) == ("c.pem", "k.pem")


def test_every_default_may_be_given() -> None:
    defaults = {
        name: value for name in SETTINGS if (value := getattr(Settings(), name)) is not None
    }
    assert load_settings({}, defaults) == Settings()
    assert [*SETTINGS, "plans"] == list(Settings.__struct_fields__)


def test_the_readme_has_the_table() -> None:
    assert settings_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_names_as_flag_and_variable() -> None:
    assert SETTINGS["redis_url"].flag == "--redis-url"
    assert SETTINGS["redis_url"].variable == "STATFLOW_REDIS_URL"
    assert SETTINGS["seconds_memory"].default == "256 MiB"
