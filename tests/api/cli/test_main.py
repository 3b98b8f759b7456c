"""The command line as a whole: every command explains itself, every mistake is one line."""

import subprocess
import sys

import pytest

from api.cli.errors import CommandError, UsageError, only
from api.cli.main import COMMANDS, INTERRUPTED, main, parsed


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: statflow {command}" in shown
    assert len(shown.splitlines()) > 5


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    shown = capsys.readouterr().out
    assert exit_.value.code == 0
    assert all(command.summary in " ".join(shown.split()) for command in COMMANDS)
    assert "STATFLOW_KEY" in shown


@pytest.mark.parametrize(
    "words",
    [[], ["frobnicate"], ["key"], ["key", "frob"], ["send", "--no-such"], ["export"], ["query"],
     ["tail", "x", "--resolution", "often"], ["serve", "--bind", "nowhere"],
     ["key", "create", "--scopes", "root"], ["account", "create", "a\nb"],
     ["backup", "/tmp/x", "--redis-url", "redis://127.0.0.1:1"], ["query", "x", "--tz", "Nowhere"]],
)  # fmt: skip
def test_a_mistake_is_one_line_and_2(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATFLOW_KEY", "sf_x")
    try:
        code = main(words)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("statflow")


def test_commands_that_need_a_key_say_how_to_get_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATFLOW_KEY", raising=False)
    assert main(["query", "x"]) == 2
    assert "statflow key create" in capsys.readouterr().err


def test_a_time_ago_needs_no_equals_sign() -> None:
    options = parsed(["query", "x", "--from", "-2h", "--to", "-1h"])
    assert (options.start, options.end) == ("-2h", "-1h")
    options = parsed(["send", "x", "-3.5", "--at", "-5m"])
    assert (options.number, options.at) == ("-3.5", "-5m")


def test_only_the_chosen_command_is_imported() -> None:
    code = (
        "import sys; from api.cli.main import parsed; parsed(['send', 'x']);"
        "sys.exit(any(name in sys.modules for name in ('quart', 'api.serve', 'redis')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_error_in_a_bundle_is_found_if_it_is_the_only_kind() -> None:
    one, other = UsageError("a"), CommandError("b")
    assert only(one, CommandError) is one
    assert only(BaseExceptionGroup("", [BaseExceptionGroup("", [one]), other]), CommandError) is one
    assert only(BaseExceptionGroup("", [one, ValueError()]), CommandError) is None
    assert only(KeyboardInterrupt(), CommandError) is None


def test_interrupted_is_130() -> None:
    assert INTERRUPTED == 130
