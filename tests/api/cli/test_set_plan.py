"""`statflow account set-plan`: what the operator gives, the server allows."""

from pathlib import Path

import pytest

from api.accounts.audit import Entry, entries
from api.cli.main import main
from api.cli.store import with_documents
from api.plans.changing import KIND
from api.plans.record import PlanRecord, unpack_plan
from api.settings import Settings
from storage.redis_documents import RedisDocuments

pytestmark = pytest.mark.real


def told(data: Path) -> PlanRecord:
    """The plan of the owner, as it is kept."""

    async def read(documents: RedisDocuments) -> PlanRecord:
        found = await documents.get(KIND, 0, "1", 0)
        assert found is not None
        return unpack_plan(found.id, found.body)

    return with_documents(Settings(data=str(data)), read)


def noted(data: Path, account: int) -> list[Entry]:
    """The audit log of an account, the newest first."""

    async def read(documents: RedisDocuments) -> list[Entry]:
        return [one.entry for one in await entries(documents, account, None, 10)]

    return with_documents(Settings(data=str(data)), read)


def test_an_account_gets_another_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATFLOW_DATA", str(tmp_path / "data"))
    Path("statflow.toml").write_text("[plans.team]\nstats = 7\n")
    assert main(["key", "create"]) == 0
    capsys.readouterr()
    assert main(["account", "set-plan", "1", "team"]) == 0
    assert capsys.readouterr().out.startswith("account 1 is on team; unlimited holds until ")
    assert (told(tmp_path / "data").plan, told(tmp_path / "data").before) == ("team", "unlimited")
    assert main(["account", "set-plan", "1", "unlimited"]) == 0
    assert capsys.readouterr().out == "account 1 is on unlimited\n"
    assert noted(tmp_path / "data", 1) == [
        Entry("plan_changed", "operator", about=plan) for plan in ("unlimited", "team")
    ]
    assert main(["account", "set-plan", "1", "none"]) == 2
    assert "PLAN: one of unlimited, free" in capsys.readouterr().err
    assert main(["account", "set-plan", "9", "free"]) != 0
