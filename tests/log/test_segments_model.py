"""Segments against every order of appends, faults, crashes and deletions that Hypothesis finds."""

import errno
import itertools
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.log.position import Position
from ingest.log.reader import Reader, Skipped, SkipReason
from ingest.log.room import Limits
from ingest.log.segment import ASIDE
from ingest.log.sink import SinkFull, SinkUnavailable
from tests.support.forgetful_files import ForgetfulFiles
from tests.support.stored import HOUR, Clock, batches, number, segments, stored

HERE = Path("store")
LIMITS = Limits(max_bytes=6_000, min_free=0)
SEGMENT_BYTES = 600


class SegmentsModel(RuleBasedStateMachine):
    """What was confirmed is found, what was refused is not, and bytes are accounted for."""

    def __init__(self) -> None:
        super().__init__()
        self.files = ForgetfulFiles(capacity=20_000)
        self.clock = Clock()
        self.numbers = itertools.count()
        self.confirmed: dict[int, Position] = {}
        self.refused: set[int] = set()
        self.failed: set[int] = set()
        self.read: list[int] = []
        self.skipped: list[Skipped] = []
        self.reader = Reader(HERE, on_skip=self.skipped.append, files=self.files)
        self._start()

    def _start(self) -> None:
        self.log = segments(HERE, self.clock, self.files, LIMITS, SEGMENT_BYTES)

    @rule(sizes=st.lists(st.integers(0, 150), min_size=1, max_size=4))
    def append(self, sizes: list[int]) -> None:
        made = [batches([next(self.numbers)], 1 + size % 3, size)[0] for size in sizes]
        for one, result in zip(made, self.log.append(made), strict=True):
            if isinstance(result, Position):
                self.confirmed[number(one.id)] = result
            elif isinstance(result, SinkFull | SinkUnavailable):
                self.refused.add(number(one.id))
            else:
                self.failed.add(number(one.id))

    @rule(milliseconds=st.sampled_from([1, 1_000, HOUR, 13 * HOUR]))
    def time_goes_by(self, milliseconds: int) -> None:
        self.clock.advance(milliseconds)
        self.log.close_when_due(self.clock.now)
        self.log.look_for_room()

    @rule()
    def the_clock_is_set_back(self) -> None:
        self.clock.now -= HOUR

    @rule(
        call=st.sampled_from(["fdatasync", "write", "truncate", "create", "sync_directory"]),
        number=st.sampled_from([errno.EIO, errno.ENOSPC]),
    )
    def the_disk_will_fail(self, call: str, number: int) -> None:
        self.files.failing[call] = number

    @rule(room=st.integers(0, 500))
    def the_disk_fills_up(self, room: int) -> None:
        self.files.capacity = self.files.used + room

    @rule()
    def the_disk_has_room_again(self) -> None:
        self.files.capacity = 20_000

    # Not the last one: with all of them gone and the clock set back, numbers could come again.
    @precondition(lambda self: len(self.log.closed) > 1)
    @rule()
    def the_oldest_is_deleted(self) -> None:
        oldest = self.log.closed[0].name.sequence
        self.log.delete(oldest)
        self.confirmed = {n: at for n, at in self.confirmed.items() if at.sequence != oldest}

    @rule(limit=st.integers(1, 5))
    def somebody_reads(self, limit: int) -> None:
        self.files.failing.pop("read_at", None)
        self.read += [number(found.id) for found in self.reader.read(limit)]

    @rule(seed=st.integers(0, 2**32))
    def power_is_lost(self, seed: int) -> None:
        self.files.crash(Random(seed))
        self._restart()

    @rule()
    def the_process_is_killed(self) -> None:
        self.files.failing.clear()
        self._restart()

    @rule()
    def the_process_is_stopped_and_started(self) -> None:
        self.files.failing.clear()
        self.log.close()
        self._restart()

    def _restart(self) -> None:
        self._start()
        found, _ = stored(HERE, self.files)
        assert set(self.confirmed) <= set(found)
        self.reader.close = lambda: None  # type: ignore[method-assign]  # its descriptor is gone
        # Not in a segment without a frame, which is gone: with the clock set back and none behind
        # it, its number could come again.
        position = min(self.reader.position, self.log.end)
        self.reader = Reader(HERE, position, self.skipped.append, self.files)

    @invariant()
    def what_is_confirmed_is_found_in_order(self) -> None:
        found, _ = stored(HERE, self.files)
        assert found == sorted(set(found))
        assert set(self.confirmed) <= set(found)
        assert not set(found) & self.refused

    @invariant()
    def bytes_are_accounted_for(self) -> None:
        names = (name for name in self.files.names(HERE) if not name.endswith(ASIDE))
        used = sum(len(self.files.content(name)) for name in names)
        assert self.log.size == used
        assert used <= LIMITS.max_bytes + 10 * 100  # heads and footers come on top

    def teardown(self) -> None:
        """A reader that followed all along saw everything once, but for what it says it missed."""
        self.files.failing.clear()
        self.read += [number(found.id) for found in self.reader.batches()]
        assert self.read == sorted(set(self.read))
        assert not set(self.read) & self.refused
        if all(skip.reason is not SkipReason.GONE for skip in self.skipped):
            assert set(self.confirmed) <= set(self.read)


TestSegmentsModel = SegmentsModel.TestCase
TestSegmentsModel.settings = settings(max_examples=200, stateful_step_count=40)
