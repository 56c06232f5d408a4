import asyncio
import errno
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.config import Store as StoreConfig
from ingest.log.batch import Settled
from ingest.log.files import Files, OsFiles
from ingest.log.lock import DirectoryInUse
from ingest.log.machine import Machine
from ingest.log.position import Position
from ingest.log.reader import Reader
from ingest.log.segment import HEAD_BYTES
from ingest.log.sink import RecordRefused, SinkError, SinkFull, SinkUnavailable
from ingest.log.store import Store
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.store import SEGMENT_SUFFIX, decompressed
from tests.support.stored import HOUR, NOON, Clock, batch, batches, stored
from tests.support.tmpfs import small_disk
from tests.support.wait import until_async

DAY = 24 * HOUR
CONFIG = StoreConfig(min_free=0)


@asynccontextmanager
async def running(
    directory: Path,
    config: StoreConfig = CONFIG,
    machine: Machine | None = None,
    on_durable: Callable[[Position], None] = lambda _: None,
) -> AsyncIterator[Store]:
    store = Store(directory, config, on_durable, machine or Machine())
    await store.start()
    try:
        yield store
    finally:
        await store.close()


class SlowSync(ForgetfulFiles):
    """An fdatasync returns only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_sync = threading.Event()

    def fdatasync(self, descriptor: int) -> None:
        self.calls.append("fdatasync begins")
        assert self.may_sync.wait(20)
        super().fdatasync(descriptor)


async def refused(write: Awaitable[Settled]) -> SinkError:
    with pytest.raises(SinkError) as caught:
        await write
    return caught.value


async def test_a_batch_comes_back_as_it_was_written(tmp_path: Path) -> None:
    async with running(tmp_path / "a" / "store") as store:
        assert store.ready
        one = batch(7)
        assert await store.write(one) is Settled.DIRECT
        with Reader(tmp_path / "a" / "store") as reader:
            (found,) = reader.read(10, until=store.end)
    assert (found.id, found.records) == (one.id, tuple(one.records))


async def test_the_answer_comes_after_the_write_and_the_sync(tmp_path: Path) -> None:
    files = ForgetfulFiles()
    async with running(tmp_path, machine=Clock().machine(files)) as store:
        for n in range(2):
            await store.write(batch(n))
            files.calls.append("settled")
    begun = ["create", "write", "write", "fdatasync", "sync_directory", "settled"]
    assert files.calls == [*begun, "write", "fdatasync", "settled", "write", "fdatasync"]


async def test_while_a_sync_lasts_nothing_is_confirmed_and_the_next_gathers(
    tmp_path: Path,
) -> None:
    files = SlowSync()
    async with running(tmp_path, machine=Clock().machine(files)) as store:
        first = asyncio.create_task(store.write(batch(0)))
        await until_async(lambda: "fdatasync begins" in files.calls)
        others = [asyncio.create_task(store.write(one)) for one in batches(range(1, 40))]
        await asyncio.sleep(0)
        assert not first.done()
        end = store.end
        files.may_sync.set()
        assert set(await asyncio.gather(first, *others)) == {Settled.DIRECT}
        assert store.end > end
        assert files.calls.count("fdatasync") == store.counts.groups == 2
        found, _ = stored(tmp_path, files)
        assert found == list(range(40))


async def test_a_disk_that_hangs_is_told_and_what_waits_is_confirmed_once_it_answers(
    tmp_path: Path,
) -> None:
    files, clock = SlowSync(), Clock()
    async with running(tmp_path, machine=clock.machine(files)) as store:
        waiting = asyncio.create_task(store.write(batch(1)))
        await until_async(lambda: "fdatasync begins" in files.calls)
        clock.advance(4_000)
        assert store.ready
        clock.advance(3_000)
        assert not store.ready
        assert store.trouble == "the store: the disk has not answered for 7 seconds"
        files.may_sync.set()
        assert await waiting is Settled.DIRECT
        await until_async(lambda: store.ready)
        assert store.trouble is None


async def test_readers_are_told_up_to_where_it_is_durable(tmp_path: Path) -> None:
    told: list[Position] = []
    async with running(tmp_path, on_durable=told.append) as store:
        await store.write(batch(1))
        await store.write(batch(2))
        await until_async(lambda: len(told) == 2)
        assert told[0] < told[1] == store.end


async def test_after_a_failed_sync_it_refuses_for_a_moment_and_goes_on(tmp_path: Path) -> None:
    files, clock = ForgetfulFiles(), Clock()
    async with running(tmp_path, machine=clock.machine(files)) as store:
        await store.write(batch(1))
        files.failing["fdatasync"] = errno.EIO
        assert type(await refused(store.write(batch(2)))) is SinkError
        assert not store.ready
        assert isinstance(await refused(store.write(batch(3))), SinkUnavailable)
        clock.advance(2_000)
        assert await store.write(batch(4)) is Settled.DIRECT
        assert store.ready
        found, _ = stored(tmp_path, files)
        assert {1, 4} <= set(found) <= {1, 2, 4}


async def test_a_batch_that_fits_no_segment_is_refused_for_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as store:
        huge = batch(1, records=1, length=33 * 1024 * 1024)
        assert isinstance(await refused(store.write(huge)), RecordRefused)
        assert store.ready


async def test_before_the_start_and_after_the_end_it_is_unavailable(tmp_path: Path) -> None:
    store = Store(tmp_path, CONFIG)
    assert not store.ready
    assert isinstance(await refused(store.write(batch(1))), SinkUnavailable)
    await store.start()
    await store.close()
    assert not store.ready
    assert isinstance(await refused(store.write(batch(1))), SinkUnavailable)


async def test_closing_writes_what_was_taken_and_closes_the_segment(tmp_path: Path) -> None:
    async with running(tmp_path) as store:
        writes = [asyncio.create_task(store.write(one)) for one in batches(range(20))]
        await asyncio.sleep(0)
    assert set(await asyncio.gather(*writes)) == {Settled.DIRECT}
    assert stored(tmp_path) == (list(range(20)), [])
    async with running(tmp_path) as store:
        assert (store.counts.torn_bytes, store.counts.damaged_frames) == (0, 0)
        assert store.counts.segments == 1


# The directory


async def test_two_stores_in_one_directory_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(DirectoryInUse):
            await Store(tmp_path, CONFIG).start()
    async with running(tmp_path) as store:
        await store.write(batch(1))


async def test_a_start_that_fails_lets_go_of_the_directory(tmp_path: Path) -> None:
    class NoNames(OsFiles):
        def names(self, directory: Path) -> list[str]:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        await Store(tmp_path, CONFIG, machine=Machine(NoNames())).start()
    async with running(tmp_path):
        pass


async def test_a_directory_that_cannot_be_made_is_the_starts_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="File exists"):
        await Store(tmp_path / "file" / "store", CONFIG).start()


async def test_a_torn_end_is_cut_and_counted_at_the_start(tmp_path: Path) -> None:
    async with running(tmp_path) as store:
        await store.write(batch(1))
    (file,) = tmp_path.glob(f"*{SEGMENT_SUFFIX}")
    file.write_bytes(file.read_bytes()[:-HEAD_BYTES] + b"torn")  # as a crash leaves it
    async with running(tmp_path) as store:
        assert store.counts.torn_bytes == 4
        await store.write(batch(2))
        assert stored(tmp_path) == ([1, 2], [])


async def test_files_are_for_nobody_but_the_owner_and_the_group(tmp_path: Path) -> None:
    async with running(tmp_path) as store:
        await store.write(batch(1))
    assert {file.stat().st_mode & 0o007 for file in tmp_path.iterdir()} == {0}


async def test_the_test_that_searches_segments_finds_what_is_there(tmp_path: Path) -> None:
    one = batch(1)
    async with running(tmp_path) as store:
        await store.write(one)
        (file,) = tmp_path.glob(f"*{SEGMENT_SUFFIX}")
        found = decompressed(file)
    assert found.split(b"\n", 1)[0] == one.records[0].key
    assert all(record.value in found for record in one.records)
    assert decompressed(file) == found


# Retention


async def test_nothing_is_kept_longer_than_the_retention(tmp_path: Path) -> None:
    files, clock = ForgetfulFiles(), Clock()
    async with running(tmp_path, machine=clock.machine(files)) as store:
        for day in range(30):
            await store.write(batch(day))  # wakes the thread, which then looks at the clock
            clock.advance(DAY)
        await store.write(batch(30))
        await until_async(lambda: store.counts.expired_segments == 12)
        found, skipped = stored(tmp_path, files)
        assert found == list(range(12, 31))
        assert skipped == []
        # Told a moment later.
        await until_async(lambda: (store.counts.segments, store.counts.bytes) == (19, files.used))


async def test_a_segment_too_old_goes_at_the_start(tmp_path: Path) -> None:
    files, clock = ForgetfulFiles(), Clock()
    async with running(tmp_path, machine=clock.machine(files)) as store:
        await store.write(batch(1))
    clock.advance(19 * DAY)
    async with running(tmp_path, machine=clock.machine(files)) as store:
        assert store.counts.expired_segments == 1
        assert files.used == 0


async def test_a_segment_that_cannot_be_deleted_is_tried_again(tmp_path: Path) -> None:
    files, clock = ForgetfulFiles(), Clock()
    async with running(tmp_path, machine=clock.machine(files)) as store:
        await store.write(batch(1))
        files.failing["unlink"] = errno.EIO
        clock.advance(20 * DAY)
        await store.write(batch(2))
        await until_async(lambda: not files.failing)
        clock.advance(60_000)
        await store.write(batch(3))
        await until_async(lambda: store.counts.expired_segments == 1)
        assert stored(tmp_path, files)[0] == [2, 3]


async def test_the_day_ends_a_segment_without_a_ping_in_the_new_one(tmp_path: Path) -> None:
    files, clock = ForgetfulFiles(), Clock(NOON + 12 * HOUR - 5)  # due in 5 ms
    async with running(tmp_path, machine=clock.machine(files)) as store:
        await store.write(batch(1))
        clock.advance(5)
        begun = ["create", "write", "write", "fdatasync", "sync_directory"]
        await until_async(lambda: files.calls == [*begun, "write", "fdatasync"])
        assert store.counts.segments == 1


# Full


async def _fill(store: Store, start: int) -> list[int]:
    """Write batches of about 40 KB until one is refused for want of room."""
    kept: list[int] = []
    for n in range(start, start + 100):
        try:
            assert await store.write(batch(n, records=50, length=800)) is Settled.DIRECT
        except SinkFull:
            return kept
        kept.append(n)
    raise AssertionError("4 MB fitted onto 1 MB")


async def test_a_full_disk_refuses_and_never_confirms_what_it_has_not(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(500_000))
        async with running(disk / "store") as store:
            kept = await _fill(store, 0)
            assert kept
            assert not store.ready
            errors = [await refused(store.write(batch(n, 50, 800))) for n in range(200, 260)]
            assert {type(error) for error in errors} == {SinkFull}
            assert stored(disk / "store") == (kept, [])

            ballast.unlink()
            await until_async(lambda: store.ready)
            kept += await _fill(store, 300)
            assert kept[-1] >= 300
        assert stored(disk / "store") == (kept, [])
        async with running(disk / "store"):  # a start on the full disk
            assert stored(disk / "store") == (kept, [])


async def test_retention_empties_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        clock = Clock()
        machine = Machine(OsFiles(), lambda: clock.now)
        async with running(
            disk / "store", StoreConfig(min_free=0, segment_bytes=100_000), machine
        ) as store:
            kept = await _fill(store, 0)
            clock.advance(19 * DAY)
            await until_async(lambda: store.ready)
            assert await store.write(batch(1000)) is Settled.DIRECT
            assert store.counts.expired_segments > 2
            found, _ = stored(disk / "store")
            assert found == [1000]
            assert len(await _fill(store, 2000)) >= len(kept) - 2


async def test_max_bytes_holds_while_the_disk_has_room(tmp_path: Path) -> None:
    config = StoreConfig(min_free=0, max_bytes=300_000)
    async with running(tmp_path, config) as store:
        kept = await _fill(store, 0)
        assert 200_000 < store.counts.bytes <= 300_000
    assert stored(tmp_path) == (kept, [])


async def test_no_error_and_no_log_line_holds_what_was_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    files: Files = ForgetfulFiles(capacity=300)
    async with running(tmp_path, machine=Clock().machine(files)) as store:
        errors = [await refused(store.write(batch(n, length=400))) for n in range(3)]
    assert "site.example" not in caplog.text + repr(errors)
