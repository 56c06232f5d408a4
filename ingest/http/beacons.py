"""Where both lanes meet: one beacon request in, one answer out, whenever it is durable."""

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from ingest.beacon.collect import Collector
from ingest.beacon.hit import Hit
from ingest.beacon.verdict import Collected, Verdict
from ingest.config import Ack
from ingest.http import content_type
from ingest.http.answers import Answers, Fate
from ingest.http.reply import Reply
from ingest.log.accumulator import Accumulator
from ingest.log.batch import Record, Settled
from ingest.outcome import Outcome, Route

_log = logging.getLogger(__name__)
_SETTLED = {
    Settled.DIRECT: Outcome.STORED,
    Settled.SPOOLED: Outcome.STORED,
    Settled.SHED: Outcome.SHED,
    Settled.FAILED: Outcome.FAILED,
}

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
    ) -> None:
        """`clock` returns epoch milliseconds."""
        self._collector = collector
        self._accumulator = accumulator
        self._answers = answers
        self._offer_rejected = offer_rejected
        self._ack = ack
        self._clock = clock

    def handle(self, hit: Hit, done: Done) -> None:
        """Collect a request, and call `done` once with its answer: now, or when it is durable."""
        if hit.route is Route.EVENTS:
            wrong = content_type.refusal(hit.headers)
            if wrong is not None:
                done(self._answers.refused(hit, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, wrong))
                return
        try:
            collected = self._collector.collect(hit, self._clock())
        except Exception:  # a defect of ours: the sender may try again, and the log says where
            _log.exception("collecting failed")
            done(self._answers.single(hit, Verdict(Outcome.FAILED), Outcome.FAILED))
            return
        if collected.array:
            _Array(self, hit, collected, done).begin()
        else:
            verdict = collected.verdicts[0]
            self._append(verdict, lambda outcome: done(self._answers.single(hit, verdict, outcome)))

    def _append(self, verdict: Verdict, decided: Callable[[Outcome], None]) -> None:
        """Store one verdict's event where it has one, and say what became of it."""
        if verdict.outcome is not Outcome.STORED:
            if verdict.rejection:
                self._offer_rejected(verdict.site, verdict.rejection, verdict.time)
            decided(verdict.outcome)
            return
        record = Record(verdict.site, verdict.event, verdict.time)
        if self._ack is Ack.DURABLE:
            self._accumulator.append(record, lambda how: decided(_SETTLED[how]))
        elif self._accumulator.offer(record):
            decided(Outcome.ACCEPTED)
        else:
            decided(Outcome.SHED)

    def append_all(self, collected: Collected, decided: Callable[[int, Outcome], None]) -> None:
        """Store an array's events; `decided` is called for each, by its index."""
        for index, verdict in enumerate(collected.verdicts):
            self._append(verdict, partial(decided, index))

    def answer_array(self, hit: Hit, fates: list[Fate]) -> Reply:
        """The answer for an array, all of whose events are decided."""
        return self._answers.array(hit, fates)


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
        self._beacons.append_all(self._collected, self._decided)

    def _decided(self, index: int, outcome: Outcome) -> None:
        self._fates[index] = Fate(self._collected.verdicts[index], outcome)
        self._left -= 1
        if self._left == 0:
            fates = [fate for fate in self._fates if fate is not None]
            self._done(self._beacons.answer_array(self._hit, fates))
