"""What `/metrics` shows: the rooms' plain integers in Prometheus' format.

The ledger is exact at every scrape, since one step of the loop reads all of it:

    requests_received = Σ answered + aborted + requests_in_flight
    events_parsed = direct + spooled + rejected + shed + failed + events_in_flight
    waiting_at_start + spooled = replayed + quarantined + waiting
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector as MetricsSource

from ingest import __version__
from ingest.beacon.collect import CollectCounts
from ingest.http.counted_pages import CountedPages
from ingest.http.counts import RequestCounts
from ingest.log.accumulator import Accumulator
from ingest.log.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Number:
    """One number that a part keeps, read at each scrape."""

    name: str
    """With `_total` where it only grows."""
    help: str
    read: Callable[[], float]

    def metric(self) -> Metric:
        """The number as it is now."""
        if self.name.endswith("_total"):
            return CounterMetricFamily(self.name, self.help, value=self.read())
        return GaugeMetricFamily(self.name, self.help, value=self.read())


def connection_numbers(counts: RequestCounts) -> tuple[Number, ...]:
    """Of the public port's connections."""
    return (
        Number("beacon_connections_open", "Open connections.", lambda: counts.connections),
        Number(
            "beacon_connections_refused_total",
            "Connections closed at once, above the bound.",
            lambda: counts.turned_away,
        ),
    )


def stream_numbers(here: CountedPages | None) -> tuple[Number, ...]:
    """Of the streams that viewers hold open, where there are any."""
    if here is None:
        return ()
    stream = here.api.stream
    return (Number("beacon_streams_open", "Open streams.", lambda: stream.viewers),)


class Metrics(MetricsSource):
    """All metrics of one process."""

    def __init__(
        self,
        requests: RequestCounts,
        beacons: tuple[CollectCounts, Accumulator] | None,
        numbers: tuple[Number, ...],
    ) -> None:
        """`beacons` is None where none are taken."""
        self._requests = requests
        self._beacons = beacons
        self._numbers = numbers
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def describe(self) -> list[Metric]:
        """Nothing: so that registering does not read the counters."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One snapshot. The caller takes it within one step of the loop."""
        yield self._build()
        yield from self._requests_metrics()
        if self._beacons is not None:
            yield from _events_metrics(*self._beacons)
            yield from _batch_metrics(self._beacons[1])
        for number in self._numbers:
            yield number.metric()

    def _build(self) -> Metric:
        build = GaugeMetricFamily("beacon_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        return build

    def _requests_metrics(self) -> Iterator[Metric]:
        requests = self._requests
        yield _counter("requests_received", "Requests with a head.", requests.received)
        answered = CounterMetricFamily(
            "beacon_requests_answered",
            "Requests answered, by outcome and route.",
            labels=["outcome", "route"],
        )
        for (route, outcome), count in requests.answered.items():
            answered.add_metric([outcome.value, route.value], count)
        yield answered
        yield _counter("requests_aborted", "Requests whose client left.", requests.aborted)
        yield _gauge("requests_in_flight", "Requests not answered yet.", requests.in_flight)


def _events_metrics(collected: CollectCounts, accumulator: Accumulator) -> Iterator[Metric]:
    delivered = accumulator.counts
    yield _counter("events_parsed", "Events looked at, consent given.", collected.parsed)
    yield _counter("events_direct", "Events durable on Kafka or the store.", delivered.direct)
    yield _counter("events_spooled", "Events durable in the spool.", delivered.spooled)
    yield _counter("events_rejected", "Events that are bad.", collected.rejected)
    yield _counter("events_shed", "Events not taken for want of room.", delivered.shed)
    yield _counter("events_failed", "Events whose writing failed.", delivered.failed)
    in_flight = accumulator.events_in_flight
    yield _gauge("events_in_flight", "Events waiting to be durable.", in_flight)
    yield _counter("events_bots", "Events of known bots.", collected.bots)
    yield _counter("fields_unknown", "Unknown fields dropped.", collected.unknown_fields)
    yield _counter("fields_dropped", "Fields with bad values dropped.", collected.dropped_fields)
    yield _counter(
        "optout_unreadable",
        "Pings whose browser sends no cookies here, so that no opt-out cookie can be seen.",
        collected.optout_unreadable,
    )


def _batch_metrics(accumulator: Accumulator) -> Iterator[Metric]:
    delivered = accumulator.counts
    yield _counter("batches", "Batches settled.", delivered.batches)
    yield _histogram("batch_events", "Events in a batch.", delivered.batch_events)
    yield _histogram(
        "stored_seconds",
        "Seconds from a batch's first event to its end.",
        delivered.batch_seconds,
    )


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"beacon_{name}", help_text, value=value)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"beacon_{name}", help_text, value=value)


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        total += count
        buckets.append((str(float(bound)), total))
    total += histogram.counts[-1]
    buckets.append(("+Inf", total))
    return HistogramMetricFamily(
        f"beacon_{name}", help_text, buckets=buckets, sum_value=histogram.sum
    )
