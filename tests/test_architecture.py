"""Imports point inwards, the engine stays apart from the world, and pure files stay pure."""

import ast
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.source_tree import PRODUCT, Source, names_used, read, sources

MAY_IMPORT = {
    "engine": {"engine"},
    "storage": {"engine", "storage"},
    "api": {"engine", "storage", "api"},
}
OURS = {"engine", "storage", "api", "tests", "bench", "clients"}

ENGINE_LIBRARIES = {"trio", "numpy"}
OUTSIDE_WORLD = re.compile(
    # The wall clock and chance; `trio.current_time` is the scheduler's own and a test can move it.
    r"(time|random|secrets|uuid|numpy\.random)(\.|$)"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)$"
    # Sockets, files and processes.
    r"|(socket|socketserver|ssl|select|selectors|http|urllib|smtplib)(\.|$)"
    r"|(os|io|pathlib|tempfile|shutil|signal|subprocess|multiprocessing)(\.|$)"
    r"|trio\.(socket|Path|open_(tcp|ssl|unix|file|signal)|serve_|run_process|SSL|Socket|lowlevel\.open_process)"
)

PURE = ("histogram", "points", "position", "rollup", "tiers")
"""Files of the engine that must say that they are pure; whoever says so is held to it."""

Rule = Callable[[Source], Iterator[str]]


def test_imports_point_inwards() -> None:
    assert found(import_faults) == []


def test_the_engine_knows_no_clock_no_chance_and_no_socket() -> None:
    assert found(engine_faults) == []


def test_pure_files_wait_for_nothing() -> None:
    assert found(pure_faults) == []
    pure = {source.module for source in sources("engine") if says_pure(source)}
    assert pure >= {f"engine.{name}" for name in PURE}


def test_rooms_keep_their_routes_to_themselves() -> None:
    assert found(room_faults) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("engine/x.py", "import storage.codec"),
        ("engine/x.py", "from api import serve"),
        ("storage/x.py", "def f():\n    import api"),
        ("api/x.py", "from tests.model import Model"),
        ("api/x.py", "from . import serve"),
        ("api/x.py", "import asyncio"),
        ("engine/x.py", "import msgspec"),
        ("engine/x.py", "from redis import Redis"),
        ("engine/x.py", "from time import monotonic"),
        ("engine/x.py", "from datetime import datetime\nnow = datetime.now()"),
        ("engine/x.py", "import datetime as d\nnow = d.datetime.now(d.UTC)"),
        ("engine/x.py", "import numpy as np\nnp.random.default_rng()"),
        ("engine/x.py", "import trio\nasync def f(): await trio.open_tcp_stream('h', 1)"),
        ("engine/x.py", '"""Sums. Pure."""\nimport trio'),
        ("engine/x.py", '"""Sums. Pure."""\nasync def f(): ...'),
        ("api/query/x.py", "from api.http.routes.ingest import ingest"),
        ("api/query/x.py", "from api.http import routes"),
        ("api/serve.py", "import api.stathat.routes"),
    ],
)
def test_each_fault_is_seen(name: str, text: str) -> None:
    assert faults_of(read(name, text)) != []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("storage/x.py", "import time\nfrom engine.tiers import TIERS\nimport redis"),
        ("engine/x.py", "import trio\nfrom datetime import datetime, UTC\nd = datetime(1, 1, 1)"),
        ("engine/x.py", "import trio\ntrio.open_nursery()\ntrio.open_memory_channel(1)"),
        ("api/http/app.py", "from api.http.routes import ingest\nfrom api.query import plan"),
        ("api/http/routes/live.py", "from api.http.routes.stats import stat_of"),
    ],
)
def test_what_is_allowed_passes(name: str, text: str) -> None:
    assert faults_of(read(name, text)) == []


def found(rule: Rule) -> list[str]:
    """What a rule has to say about the whole product."""
    return [fault for source in sources(*PRODUCT) for fault in rule(source)]


def faults_of(source: Source) -> list[str]:
    """What all rules have to say about one file."""
    rules = (import_faults, engine_faults, pure_faults, room_faults)
    return [fault for rule in rules for fault in rule(source)]


def import_faults(source: Source) -> Iterator[str]:
    """Imports of a package further out, relative imports, and the other event loop."""
    allowed = MAY_IMPORT[source.folder]
    for line, name in names_used(source):
        top = name.partition(".")[0]
        if not top:
            yield f"{source.name}:{line} imports {name}: write the package's name"
        elif top in OURS - allowed or top == "asyncio":
            yield f"{source.name}:{line} imports {name}"


def engine_faults(source: Source) -> Iterator[str]:
    """Libraries that the engine does not know, and anything that reaches out of the process."""
    if source.folder != "engine":
        return
    known = ENGINE_LIBRARIES | sys.stdlib_module_names | OURS
    for line, name in names_used(source):
        if name.partition(".")[0] not in known or OUTSIDE_WORLD.match(name):
            yield f"{source.name}:{line} uses {name}"


def says_pure(source: Source) -> bool:
    """Whether the file's docstring has the sentence "Pure." or one that begins with "Pure:"."""
    return bool(re.search(r"\bPure[.:]", ast.get_docstring(source.tree) or ""))


def pure_faults(source: Source) -> Iterator[str]:
    """Whatever waits, in a file that says that it is pure."""
    if not says_pure(source):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await):
            yield f"{source.name}:{node.lineno} waits, although the file says that it is pure"
    for line, name in names_used(source):
        if name.partition(".")[0] == "trio":
            yield f"{source.name}:{line} uses {name}, although the file says that it is pure"


def room_faults(source: Source) -> Iterator[str]:
    """Imports of another room's routes."""
    for line, name in names_used(source):
        match = re.match(r"(api\.\w+)\.(?:\w+\.)*routes\b", name)
        if match and not f"{source.module}.".startswith(f"{match[1]}."):
            yield f"{source.name}:{line} imports {name}: routes belong to their room"
