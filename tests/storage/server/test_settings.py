"""The options of the store server, and what is said about wrong ones."""

from pathlib import Path

import pytest

from storage.server.settings import (
    CHECKED,
    ServerSettings,
    WrongServerSettings,
    embedded_options,
    is_durable,
    wrong_settings,
    wrong_version,
)

RIGHT = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}


def test_the_embedded_server_syncs_each_write_and_never_drops_a_key() -> None:
    options = embedded_options(ServerSettings(Path("data")), 1000)
    assert options == {
        **RIGHT,
        "aof-load-truncated": "yes",
        "maxmemory": "1000",
        "save": "",
        "auto-aof-rewrite-min-size": "536870912",
        "auto-aof-rewrite-percentage": "100",
        "latency-monitor-threshold": "50",
    }
    assert is_durable(options)


def test_relaxed_durability_syncs_once_a_second_and_says_so() -> None:
    options = embedded_options(ServerSettings(Path("data"), durability="relaxed"), 1000)
    assert options["appendfsync"] == "everysec"
    assert options["appendonly"] == "yes"
    assert not is_durable(options)


def test_extra_options_come_last() -> None:
    settings = ServerSettings(Path("data"), extra={"save": "60 1", "hz": "20"})
    options = embedded_options(settings, 1000)
    assert options["save"] == "60 1"
    assert options["hz"] == "20"


def test_right_settings_are_not_remarked_upon() -> None:
    assert set(CHECKED) == set(RIGHT)
    assert wrong_settings(RIGHT, "strict") == []
    assert wrong_settings(RIGHT, "relaxed") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("no-appendfsync-on-rewrite", "yes"),
        ("maxmemory-policy", "allkeys-lru"),
    ],
)
def test_each_wrong_setting_is_named_with_its_remedy(name: str, value: str) -> None:
    first, last = wrong_settings({**RIGHT, name: value}, "strict")
    assert first == f"{name} is {value}, must be {RIGHT[name]}: CONFIG SET {name} {RIGHT[name]}"
    assert "CONFIG REWRITE" in last


def test_a_setting_that_the_server_does_not_tell_is_wrong() -> None:
    lines = wrong_settings({}, "strict")
    assert len(lines) == len(RIGHT) + 1
    assert lines[0].startswith("appendonly is not known, must be yes")


def test_relaxed_durability_gives_up_the_log_file_only() -> None:
    assert wrong_settings({**RIGHT, "appendonly": "no", "appendfsync": "no"}, "relaxed") == []
    lines = wrong_settings({**RIGHT, "maxmemory-policy": "volatile-lru"}, "relaxed")
    assert lines[0].startswith("maxmemory-policy is volatile-lru")


@pytest.mark.parametrize("version", ["6.2.0", "6.2.14", "7.0.15", "7.2.4", "10.0"])
def test_new_enough_servers_pass(version: str) -> None:
    assert wrong_version(version) == []


@pytest.mark.parametrize("version", ["6.0.16", "5.0.7", "2.8", ""])
def test_old_servers_are_to_be_updated(version: str) -> None:
    (line,) = wrong_version(version)
    assert "must be 6.2 or newer" in line


def test_the_error_lists_every_line() -> None:
    error = WrongServerSettings("redis://host", ["one", "two"])
    assert error.lines == ["one", "two"]
    assert str(error) == "the store server at redis://host is not fit for use:\n  one\n  two"
