from ingest.log.room import Limits, Refusals, Room
from ingest.log.sink import SinkFull


class Disk:
    def __init__(self, free: int) -> None:
        self.bytes_free = free
        self.asked = 0
        self.now = 0.0

    def free(self) -> int:
        self.asked += 1
        return self.bytes_free

    def monotonic(self) -> float:
        return self.now


def room(disk: Disk, max_bytes: int = 1000, min_free: int = 100) -> Room:
    return Room(Limits(max_bytes, min_free), disk.free, disk.monotonic)


def test_the_tighter_limit_counts() -> None:
    assert room(Disk(10_000)).left(300) == 700
    assert room(Disk(250)).left(300) == 150
    assert room(Disk(50)).left(0) == -50


def test_the_disk_is_asked_ten_times_a_second_at_most() -> None:
    disk = Disk(10_000)
    one = room(disk)
    for _ in range(50):
        one.left(0)
    assert disk.asked == 1
    disk.now = 0.11
    one.left(0)
    assert disk.asked == 2


def test_what_we_write_counts_between_two_questions() -> None:
    one = room(Disk(500))
    assert one.left(0) == 400
    one.take(150)
    assert one.left(0) == 250


def test_after_a_deletion_the_disk_is_asked_at_once() -> None:
    disk = Disk(150)
    one = room(disk)
    assert one.left(0) == 50
    disk.bytes_free = 300
    one.forget()
    assert one.left(0) == 200


def test_refusals_last_for_their_pause_and_are_new_each_time() -> None:
    disk = Disk(0)
    refusals = Refusals(disk.monotonic)
    assert refusals.current() is None
    assert not refusals.any
    refusals.begin(SinkFull, "full", 0.25)
    first, second = refusals.current(), refusals.current()
    assert isinstance(first, SinkFull)
    assert first is not second
    disk.now = 0.25
    assert refusals.current() is None
    assert refusals.any
    refusals.end()
    assert not refusals.any
