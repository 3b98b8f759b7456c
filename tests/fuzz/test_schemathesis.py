"""Whatever Schemathesis makes up from our own description is answered as described.

Real requests to a real server, with a key that may do everything: no answer of 5xx, no status and
no media type that the description does not name, no body unlike its model, and nothing taken that
the description forbids. Streams that never end are left out; they have tests of their own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.api.cli.running import running
from tests.source_tree import ROOT

pytestmark = pytest.mark.real

CHECKS: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method", "allow_header_conformance", "ignored_auth",
)  # fmt: skip

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")

CASES: Final = re.compile(r"^\s*(\d+) generated", re.MULTILINE)


@pytest.mark.parametrize(
    ("examples", "limit_s", "least"),
    [
        pytest.param(40, 1_400, 2_000, marks=pytest.mark.slow),
        pytest.param(400, 3_600, 20_000, marks=pytest.mark.soak),
    ],
)
def test_every_answer_is_as_described(
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    examples: int,
    limit_s: float,
    least: int,
) -> None:
    cases = fuzz(tmp_path, examples, limit_s)
    record_property("report", f"{cases} made-up requests, all answered as described")
    assert cases >= least


def fuzz(data: Path, examples: int, limit_s: float) -> int:
    """How many requests were made; each operation gets about `examples`."""
    with running(data, "serve", "--trusted-proxies", "127.0.0.0/8") as server:
        for name in ("a", "b", "c"):
            assert server.statflow("send", name, "1", "--counter").code == 0
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
                *("run", f"{server.url}/openapi.json"),
                *("--header", f"Authorization: Bearer {server.key}"),
                *("--max-examples", str(examples), "--seed", str(examples)),
                *("--checks", ",".join(CHECKS), "--continue-on-failure"),
                *("--phases", "examples,coverage,fuzzing", "--exclude-path", "/v1/live"),
                *("--exclude-path", "/v1/shared/{token}/live"),
                # They take what breaks their description, as real clients send it.
                *("--exclude-path-regex", "^/((ez|c|v)$|x/)"),
                *("--suppress-health-check", "all", "--generation-database", "none"),
                *("--request-timeout", "10", "--no-color"),
            ],
            cwd=data,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = CASES.search(done.stdout)
    assert found is not None, done.stdout
    return int(found[1])
