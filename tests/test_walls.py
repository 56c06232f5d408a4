"""The rooms' walls: every import in ingest/ obeys the table of docs/architecture.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import ingest

ROOT = Path(ingest.__file__).parent
ARCHITECTURE = ROOT.parent / "docs" / "architecture.md"
ROOMS = ("http", "beacon", "log", "stats")
ALLOWED = {
    "http": {"ingest.config", "ingest.outcome", "ingest.beacon", "ingest.log.accumulator",
             "ingest.log.batch"},
    "beacon": {"ingest.config", "ingest.outcome"},
    "log": {"ingest.config"},
    "stats": {"ingest.config", "ingest.log.batch", "ingest.log.kafka_client",
              "ingest.log.position", "ingest.log.reader", "ingest.log.sink",
              "ingest.log.topics"},
}  # fmt: skip
"""What each room may import beside itself."""
PAGES_MAY = {"ingest.stats.queries"}
"""What pages and API may import beyond their room."""
PAGES = {"ingest.http.api", "ingest.http.api_models", "ingest.http.counted_pages",
         "ingest.http.json_api", "ingest.http.live", "ingest.http.live_view",
         "ingest.http.stream"}  # fmt: skip
CLOCKS_AND_SOCKETS = {"asyncio", "random", "secrets", "selectors", "socket", "threading", "uvloop"}
"""What the pure room must not import; it is given time and randomness."""
PURE = {"socket.AF_INET6", "socket.inet_ntop", "socket.inet_pton"}
"""What of it is a function of its arguments: addresses as texts and as bytes."""
CLOCK_CALLS = {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns",
               "time.perf_counter", "datetime.now", "datetime.utcnow", "date.today",
               "os.urandom"}  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One name that a module imports."""

    module: str
    """Who imports, such as `ingest.http.gate`."""
    line: int
    name: str
    """What, in full, such as `ingest.beacon.hit.Hit`."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(source: str, module: str) -> Iterator[Import]:
    """Every import, those within functions and for type checkers too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield Import(module, node.lineno, f"{base}.{alias.name}")


def _within(name: str, prefixes: set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _breaks_a_wall(found: Import) -> bool:
    if found.name.startswith("."):
        return True  # relative: to be read without counting dots
    parts = found.module.split(".")
    room = parts[1] if len(parts) > 1 else ""
    if not _within(found.name, {"ingest"}) or room not in ROOMS:
        return False
    allowed = {f"ingest.{room}"} | ALLOWED[room]
    if found.module in PAGES:
        allowed |= PAGES_MAY
    return not _within(found.name, allowed)


def _all_imports() -> list[Import]:
    return [
        found
        for path in sorted(ROOT.rglob("*.py"))
        for found in _imports(path.read_text(encoding="utf-8"), _module(path))
    ]


def test_every_import_obeys_the_walls():
    assert [str(found) for found in _all_imports() if _breaks_a_wall(found)] == []


def test_every_folder_is_a_room():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(ROOMS)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ingest.beacon.hit", "from ingest.http.reply import Reply"),
        ("ingest.beacon.hit", "from ingest.log.batch import Record"),
        ("ingest.beacon.hit", "import ingest.logs"),
        ("ingest.beacon.hit", "from ingest import metrics"),
        ("ingest.beacon.hit", "from .percent import decode"),
        ("ingest.log.store", "from ingest.outcome import Outcome"),
        ("ingest.log.store", "def late():\n    from ingest.beacon.hit import Hit"),
        ("ingest.http.gate", "from ingest.log.store import Store"),
        ("ingest.http.gate", "from ingest.stats.queries import Now"),
        ("ingest.http.api", "from ingest.stats.keeper import Keeper"),
        ("ingest.stats.counts", "from ingest.log.store import Store"),
        ("ingest.stats.counts", "if TYPE_CHECKING:\n    import ingest.http.gate"),
    ],
)
def test_a_broken_wall_is_seen(module, source):
    assert [_breaks_a_wall(found) for found in _imports(source, module)] == [True]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ingest.app", "from ingest.log.store import Store"),
        ("ingest.http.gate", "from ingest.http import cors"),
        ("ingest.http.api", "from ingest.stats.queries import Queries"),
        ("ingest.log.store", "import ingestion"),
        ("ingest.stats.counts", "from ingest.log.reader import Reader"),
    ],
)
def test_a_door_is_open(module, source):
    assert [_breaks_a_wall(found) for found in _imports(source, module)] == [False]


def test_the_pure_room_has_no_clock_no_randomness_and_no_socket():
    for path in sorted((ROOT / "beacon").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for found in _imports(source, _module(path)):
            forbidden = _within(found.name, CLOCKS_AND_SOCKETS | CLOCK_CALLS)
            assert found.name in PURE or not forbidden, str(found)
        calls = {ast.unparse(node) for node in ast.walk(ast.parse(source))
                 if isinstance(node, ast.Attribute)}  # fmt: skip
        assert not calls & CLOCK_CALLS, f"{path.name}: {calls & CLOCK_CALLS}"


def test_importing_the_command_line_loads_no_room():
    """`ingest --help` should not wait for Kafka's client to load."""
    script = "import ingest.__main__, sys; print(*(m for m in sys.modules if 'ingest.' in m))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not {name for name in loaded if name.split(".")[1] in ROOMS}
    assert "ingest.configure" in loaded


def test_every_file_that_the_architecture_names_exists():
    text = ARCHITECTURE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)?[a-z_]+\.(?:py|md|json))`", text))
    assert "http/gate.py" in named
    for name in named | set(re.findall(r"`(tests/[a-z_/]+\.py|docs/[a-z-]+\.md)`", text)):
        places = (ROOT / name, ROOT.parent / name)
        assert any(place.is_file() for place in places), name
