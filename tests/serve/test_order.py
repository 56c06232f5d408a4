"""The order of one ping's system calls: written, synced, answered."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.raw import request
from tests.support.server import Server, start_server
from tests.support.wait import until

CALLS = "read,recvfrom,write,writev,pwrite64,sendto,sendmsg,fdatasync"
SENDING = ("write", "writev", "sendto", "sendmsg")
# A process number is padded to five columns.
LINE = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A system call; `begun` and `ended` are places in the trace."""

    name: str
    text: str
    begun: int
    ended: int


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server, and the file with its system calls; descriptors have their paths beside them."""
    trace = tmp_path / "trace"
    # -D: the server is our child, strace is the one that stands aside.
    strace = ["strace", "-D", "-f", "-y", "-qq", "-s", "64", "-o", str(trace)]
    strace += ["-e", "signal=none", "-e", f"trace={CALLS}"]
    with start_server(tmp_path, wrapper=strace) as server:
        yield server, trace


def _calls(trace: str) -> list[Call]:
    """The calls that ended, in the order in which they began."""
    begun: dict[str, tuple[int, str]] = {}
    calls: list[Call] = []
    for place, line in enumerate(trace.splitlines()):
        match = LINE.match(line)
        if match is None:
            continue
        pid, rest = match["pid"], match["rest"]
        if match["call"] and rest.endswith("<unfinished ...>"):
            begun[pid] = place, rest
        elif match["call"]:
            calls.append(Call(match["call"], rest, place, place))
        elif pid in begun:
            start, first = begun.pop(pid)
            calls.append(Call(match["resumed"], first + rest, start, place))
    return sorted(calls, key=lambda call: call.begun)


def _answer(calls: list[Call]) -> Call | None:
    answers = [call for call in calls if call.name in SENDING and '"HTTP/1.1 200' in call.text]
    return answers[0] if answers else None


@pytest.mark.parametrize("earlier", [0, 3])
def test_a_ping_is_written_then_synced_then_answered(traced, earlier):
    server, trace = traced
    for _ in range(earlier):
        assert request(server.url, "/e", method="POST", body=b'{"s":"a"}').status == 204
    assert request(server.url, "/p.gif?s=example").outcome == "stored"
    until(lambda: _answer(_calls(trace.read_text())), what="the answer in the trace")
    calls = _calls(trace.read_text())
    answer = _answer(calls)
    (came,) = (call for call in calls if '"GET /p.gif' in call.text)
    between = [call for call in calls if came.ended < call.begun < answer.begun]
    written = [call for call in between if call.name.startswith(("write", "pwrite"))]
    written = [call for call in written if ".seg>" in call.text]
    synced = [call for call in between if call.name == "fdatasync" and ".seg>" in call.text]
    assert written
    assert synced
    assert written[-1].ended < synced[-1].begun
    assert synced[-1].text.rstrip().endswith("= 0")
    assert synced[-1].ended < answer.begun


def test_the_names_of_our_directories_are_on_the_disk_before_a_ping_is_taken(tmp_path: Path):
    trace = tmp_path / "trace"
    strace = ["strace", "-D", "-f", "-y", "-qq", "-o", str(trace), "-e", "signal=none"]
    strace += ["-e", "trace=fsync"]
    with start_server(tmp_path, wrapper=strace):
        synced = set(re.findall(r"fsync\(\d+<([^>]+)>\)", trace.read_text()))
        assert {str(tmp_path), str(tmp_path / "data")} <= synced
