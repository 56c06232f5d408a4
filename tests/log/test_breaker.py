"""When a partition is tried, and when not."""

from ingest.log.breaker import Breaker


class Time:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_failure_opens_one_partition_for_a_pause_that_doubles_to_its_longest():
    time = Time()
    breaker = Breaker(time, 1.0, 3.0)
    pauses = []
    for _ in range(4):
        breaker.trip(7)
        start = time.now
        while not breaker.may_try(7):
            time.now += 0.5
        pauses.append(time.now - start)
    assert pauses == [1.0, 2.0, 3.0, 3.0]
    assert breaker.is_open(7)
    assert not breaker.is_open(8)
    assert breaker.may_try(8)


def test_the_pause_begins_anew_after_a_success():
    time = Time()
    breaker = Breaker(time, 1.0, 8.0)
    breaker.trip(1)
    breaker.trip(1)
    breaker.close(1)
    breaker.trip(1)
    time.now = 1.0
    assert breaker.may_try(1)


def test_the_first_to_open_and_the_last_to_close_are_told():
    breaker = Breaker(Time(), 1.0, 1.0)
    assert breaker.trip(1)
    assert not breaker.trip(2)
    assert not breaker.trip(1)
    assert len(breaker) == 2
    assert not breaker.close(1)
    assert breaker.close(2)
    assert not breaker.close(2)


def test_what_is_due_can_be_closed_at_once():
    time = Time()
    breaker = Breaker(time, 1.0, 1.0)
    breaker.trip(1)
    time.now = 0.5
    breaker.trip(2)
    time.now = 1.0
    assert not breaker.close_due(())
    assert (breaker.is_open(1), breaker.is_open(2)) == (False, True)
    time.now = 1.5
    assert breaker.close_due(())
    assert not breaker.close_due(())
