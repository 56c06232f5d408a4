"""Where both lanes meet: one beacon request in, one answer out, whenever it is durable."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from ingest.beacon.collect import Collector
from ingest.beacon.consent import has_opted_out
from ingest.beacon.hit import Hit
from ingest.beacon.verdict import Collected, Verdict
from ingest.config import Ack
from ingest.http.answers import Answers, Fate
from ingest.http.content_type import refusal
from ingest.http.in_flight import EVENT, InFlight
from ingest.http.reply import Reply
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Settled, record_of
from ingest.outcome import Outcome, Route

_log = logging.getLogger(__name__)
_SETTLED = {
    Settled.DIRECT: Outcome.STORED,
    Settled.SPOOLED: Outcome.STORED,
    Settled.SHED: Outcome.SHED,
    Settled.FAILED: Outcome.FAILED,
}
_STORED, _DIRECT, _EVENTS = Outcome.STORED, Settled.DIRECT, Route.EVENTS

Done = Callable[[Reply], None]
Offer = Callable[[bytes, bytes, int], None]
"""Takes key, value and epoch milliseconds of a rejected event; never waits."""


class Beacons:
    """Takes beacon requests from either lane."""

    def __init__(
        self,
        collector: Collector,
        accumulator: Accumulator,
        answers: Answers,
        offer_rejected: Offer,
        ack: Ack,
        clock: Callable[[], int],
        in_flight: InFlight,
    ) -> None:
        """`clock` returns epoch milliseconds."""
        self._collector = collector
        self._accumulator = accumulator
        self._answers = answers
        self._offer_rejected = offer_rejected
        self._durable = ack is Ack.DURABLE
        self._clock = clock
        self.in_flight = in_flight

    def handle(self, hit: Hit, done: Done) -> bool:
        """Collect a request, and call `done` once with its answer: now, or when it is durable.

        Returns whether the request is kept for an answer that is still to come.
        """
        if hit.route is _EVENTS:
            wrong = refusal(hit.head)
            if wrong is not None:
                done(self._answers.refused(hit, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, wrong))
                return False
        try:
            collected = self._collector.collect(hit, self._clock())
        except Exception:  # a defect of ours: the sender may try again, and the log says where
            _log.exception("collecting failed")
            done(self._answers.single(hit, Verdict(Outcome.FAILED), Outcome.FAILED))
            return False
        if collected.array:
            _Array(self, hit, collected, done).begin()
            return True
        verdict = collected.verdicts[0]
        if verdict.outcome is _STORED and self._answers.pixel_only(hit.route):
            self._append(verdict, _pixel(self._answers, done))
            return False
        self._append(verdict, _Single(self._answers, hit, verdict, done))
        return True

    def turn_away(self, hit: Hit) -> Reply:
        """Answer a beacon whose body is not read, for want of room."""
        wrong = refusal(hit.head) if hit.route is _EVENTS else None
        if wrong is not None:
            return self._answers.refused(hit, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, wrong)
        outcome = Outcome.OPTED_OUT if has_opted_out(hit.head) else Outcome.SHED
        return self._answers.single(hit, Verdict(outcome), outcome)

    def _append(self, verdict: Verdict, waiting: "_Waiting") -> None:
        """Store one verdict's event where it has one, and say what became of it."""
        if verdict.outcome is not _STORED:
            if verdict.rejection:
                self._offer_rejected(verdict.site, verdict.rejection, verdict.time)
            waiting.decided(verdict.outcome)
            return
        if self.in_flight.is_full():
            self._accumulator.counts.shed += 1
            waiting.decided(Outcome.SHED)
            return
        record = record_of(verdict.site, verdict.event, verdict.time)
        if self._durable:
            self._accumulator.append(record, waiting)
        elif self._accumulator.offer(record):
            waiting.decided(Outcome.ACCEPTED)
        else:
            waiting.decided(Outcome.SHED)

    def append_all(self, collected: Collected, decided: Callable[[int, Outcome], None]) -> None:
        """Store an array's events; `decided` is called for each, by its index."""
        for index, verdict in enumerate(collected.verdicts):
            self._append(verdict, _Item(decided, index))

    def answer_array(self, hit: Hit, fates: list[Fate]) -> Reply:
        """The answer for an array, all of whose events are decided."""
        return self._answers.array(hit, fates)


class _Waiting:
    """An event on its way: called with how its wait ended."""

    __slots__ = ()

    def __call__(self, how: Settled) -> None:
        self.decided(_STORED if how is _DIRECT else _SETTLED[how])

    def decided(self, outcome: Outcome) -> None:
        """Go on, now that the event's outcome is known."""


class _Single(_Waiting):
    """The only event of its request."""

    __slots__ = ("_answers", "_done", "_hit", "_verdict")

    def __init__(self, answers: Answers, hit: Hit, verdict: Verdict, done: Done) -> None:
        self._answers = answers
        self._hit = hit
        self._verdict = verdict
        self._done = done

    def decided(self, outcome: Outcome) -> None:
        self._done(self._answers.single(self._hit, self._verdict, outcome))


class _Pixel(_Waiting):
    """The only event of a request of which the answer needs nothing.

    Its hundred small objects go at once, and the next ping finds their memory in the processor's
    caches; kept until the batch is settled they are more than fits there.
    """

    __slots__ = ("_answers", "_done")

    _answers: Answers
    _done: Done

    def decided(self, outcome: Outcome) -> None:
        self._done(self._answers.pixel(outcome))


def _pixel(answers: Answers, done: Done) -> _Pixel:
    """As `_Pixel(…)`, in a third of the time."""
    waiting = _Pixel.__new__(_Pixel)
    waiting._answers = answers
    waiting._done = done
    return waiting


class _Item(_Waiting):
    """One event of an array."""

    __slots__ = ("_index", "_tell")

    def __init__(self, tell: Callable[[int, Outcome], None], index: int) -> None:
        self._tell = tell
        self._index = index

    def decided(self, outcome: Outcome) -> None:
        self._tell(self._index, outcome)


class _Array:
    """An array's events on their way, in several batches; answered when the last is decided."""

    def __init__(self, beacons: Beacons, hit: Hit, collected: Collected, done: Done) -> None:
        self._beacons = beacons
        self._hit = hit
        self._collected = collected
        self._done = done
        self._fates: list[Fate | None] = [None] * len(collected.verdicts)
        self._left = len(collected.verdicts)

    def begin(self) -> None:
        self._beacons.in_flight.held += EVENT * len(self._fates)
        self._beacons.append_all(self._collected, self._decided)

    def _decided(self, index: int, outcome: Outcome) -> None:
        self._fates[index] = Fate(self._collected.verdicts[index], outcome)
        self._left -= 1
        if self._left == 0:
            self._beacons.in_flight.held -= EVENT * len(self._fates)
            fates = [fate for fate in self._fates if fate is not None]
            self._done(self._beacons.answer_array(self._hit, fates))
