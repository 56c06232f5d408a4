"""The key follows the days, on every machine alike, and past keys cannot be had again."""

import fcntl
import logging
import multiprocessing
import os
import re
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon.day_key import DayKey, KeyFileError
from tests.support.tmpfs import small_disk

_DAY = 86_400_000
_NOW = 20_000 * _DAY + 5


def _line(days: int = 0) -> str:
    return f"v1 {date(1970, 1, 1) + timedelta(days=20_000 + days)} "


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "visitor.key"


def _made(path: Path, now: int = _NOW) -> DayKey:
    return DayKey(path, os.urandom, now)


def test_a_new_file_is_private_and_holds_the_days_key(path):
    key = DayKey(path, lambda size: b"\x07" * size, _NOW)
    assert path.read_text() == _line() + "07" * 32 + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.key(_NOW) == b"\x07" * 32
    assert key.warning is None
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_there_is_used(path):
    first = _made(path).key(_NOW)
    assert DayKey(path, lambda _: pytest.fail("no entropy is needed"), _NOW).key(_NOW) == first


def test_the_key_stays_all_day_and_the_file_is_not_written(path):
    key = _made(path)
    first = key.key(_NOW)
    before = path.stat()
    assert key.key(_NOW - 5) is first
    assert key.key(_NOW - 5 + _DAY - 1) is first
    assert path.stat() == before


def test_the_next_day_has_another_key_and_the_file_holds_only_that(path):
    key = _made(path)
    first = key.key(_NOW)
    second = key.key(_NOW + _DAY)
    assert second != first
    assert path.read_text() == _line(1) + second.hex() + "\n"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_old_keys_bytes_are_overwritten(path):
    key = _made(path)
    old = os.open(path, os.O_RDONLY)
    try:
        key.key(_NOW + _DAY)
        assert set(os.pread(old, 1_000, 0)) == {0}
    finally:
        os.close(old)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_machines_that_were_off_for_days_come_to_the_same_key(tmp_path_factory, steps):
    directory = tmp_path_factory.mktemp("keys")
    stepping = DayKey(directory / "a", lambda size: b"k" * size, _NOW)
    sleeping = DayKey(directory / "b", lambda size: b"k" * size, _NOW)
    now = _NOW
    for step in steps:
        now += step * _DAY
        stepping.key(now)
    assert stepping.key(now) == sleeping.key(now)
    assert (directory / "a").read_bytes() == (directory / "b").read_bytes()


def test_a_clock_set_back_keeps_the_newer_key(path):
    key = _made(path)
    newer = key.key(_NOW + 3 * _DAY)
    assert key.key(_NOW) == newer
    assert _made(path).key(_NOW) == newer


def test_a_file_far_ahead_of_the_clock_is_told_once(path, caplog):
    _made(path).key(_NOW + 9 * _DAY)
    key = _made(path)
    for later in range(3):
        key.key(_NOW + later * _DAY)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].fields["reason"] == "its day is 9 days ahead"


def test_a_key_that_another_process_rolled_is_taken(path):
    one, other = _made(path), _made(path)
    rolled = one.key(_NOW + _DAY)
    written = path.stat().st_mtime_ns
    assert other.key(_NOW + _DAY) == rolled
    assert path.stat().st_mtime_ns == written


def test_a_file_copied_from_another_machine_counts_from_the_next_day_on(path, tmp_path):
    key, other = _made(path), _made(tmp_path / "other.key")
    path.write_bytes((tmp_path / "other.key").read_bytes())
    assert key.key(_NOW + _DAY) == other.key(_NOW + _DAY)


def test_a_file_that_is_gone_is_written_again(path):
    key = _made(path)
    key.key(_NOW)
    path.unlink()
    assert path.parent.is_dir()
    assert key.key(_NOW + _DAY) == _made(path).key(_NOW + _DAY)


def test_a_links_target_is_replaced_not_the_link(path, tmp_path):
    link = tmp_path / "link.key"
    _made(path)
    link.symlink_to(path)
    key = _made(link).key(_NOW + _DAY)
    assert link.is_symlink()
    assert path.read_text().endswith(key.hex() + "\n")


def test_a_key_left_by_a_crash_is_removed(path):
    _made(path)
    left = path.with_name("visitor.key.new")
    left.write_text("half a key")
    _made(path)
    assert not left.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "v1",
        "\0" * 80,
        "v2 2024-10-04 " + "07" * 32 + "\n",
        "v1 2024-10-04 " + "07" * 31 + "\n",
        "v1 2024-10-04 " + "07" * 33 + "\n",
        "v1 2024-10-04 " + "0G" * 32 + "\n",
        "v1 2024-10-04 " + "AB" * 32 + "\n",
        "v1 2024-02-30 " + "07" * 32 + "\n",
        "v1 2024-10-04 " + "07" * 32,
        "v1 2024-10-04 " + "07" * 32 + "\n\n",
        "x" * 9_999,
    ],
)
def test_a_file_that_is_no_key_file_is_refused_by_name(path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(KeyFileError, match=re.escape(str(path))) as caught:
        _made(path)
    assert "07" * 31 not in str(caught.value)
    assert path.read_text() == content


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_what_is_no_file_is_refused(path, kind):
    path.parent.mkdir()
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(KeyFileError, match="is no regular file"):
        _made(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match=r"file/visitor\.key"):
        _made(tmp_path / "file" / "visitor.key")


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o400, False), (0o640, True)])
def test_a_file_that_others_may_read_is_told(path, mode, told):
    _made(path)
    path.chmod(mode)
    assert (_made(path).warning is not None) is told


def test_a_full_disk_leaves_the_days_key_in_memory_until_it_can_be_written(tmp_path, caplog):
    with small_disk(tmp_path / "disk", 65_536) as disk:
        key = _made(disk / "visitor.key")
        first = key.key(_NOW)
        _fill(disk / "filler")
        second = key.key(_NOW + _DAY)
        assert second != first
        assert key.key(_NOW + _DAY + 59_999) is second
        assert (disk / "visitor.key").read_text().endswith(first.hex() + "\n")
        (disk / "filler").unlink()
        assert key.key(_NOW + _DAY + 60_000) is second
        assert (disk / "visitor.key").read_text().endswith(second.hex() + "\n")
    assert [record.message for record in caplog.records] == ["visitors' key not written"]
    assert first.hex() not in caplog.text
    assert second.hex() not in caplog.text


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4_096)
            except OSError:
                return


def test_a_broken_file_leaves_the_days_key_in_memory(path, caplog):
    key, same = _made(path), _made(path)
    path.write_text("broken")
    rolled = key.key(_NOW + _DAY)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    path.unlink()
    assert same.key(_NOW + _DAY) == rolled


def test_a_lock_held_by_another_process_keeps_nobody_waiting(path, caplog):
    key = _made(path)
    before = path.read_text()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        rolled = key.key(_NOW + _DAY)
        assert path.read_text() == before
    finally:
        os.close(directory)
    assert key.key(_NOW + _DAY + 60_000) == rolled
    assert path.read_text().endswith(rolled.hex() + "\n")
    assert not caplog.records


def _roll(path: Path, results: "multiprocessing.Queue[bytes]") -> None:
    key = DayKey(path, os.urandom, _NOW)
    for day in range(30):
        key.key(_NOW + day * _DAY)
    results.put(key.key(_NOW + 30 * _DAY))


def test_processes_that_share_a_new_file_agree(path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_roll, args=(path, results)) for _ in range(4)]
    for process in processes:
        process.start()
    keys = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(keys) == 1


def test_the_last_day_of_all_is_no_fault(path):
    key = DayKey(path, os.urandom, _NOW)
    assert len(key.key(10**15)) == 32
    assert path.read_text().startswith("v1 9999-12-31 ")
