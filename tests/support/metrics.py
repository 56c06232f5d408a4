"""What `/metrics` says, and the equations that must hold in it."""

import urllib.request
from collections import Counter
from collections.abc import Collection, Mapping

from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __getitem__(self, name: str) -> float:
        """The sum over all labels of the metric `name`; raises `KeyError` where there is none."""
        values = [value for (sample, _), value in self._samples.items() if sample == name]
        if not values:
            raise KeyError(name)
        return sum(values)

    def get(self, name: str, otherwise: float) -> float:
        """The sum over all labels, or `otherwise` where there is no such metric."""
        try:
            return self[name]
        except KeyError:
            return otherwise

    def labelled(self, name: str, **labels: str) -> float:
        """The value with at least these labels, summed over the others; 0 where there is none."""
        wanted = set(labels.items())
        return sum(
            value
            for (sample, found), value in self._samples.items()
            if sample == name and wanted <= set(found)
        )

    def answered(self, routes: Collection[str]) -> Counter[tuple[str, str]]:
        """Answers by route and outcome."""
        found = Counter[tuple[str, str]]()
        for (sample, labels), value in self._samples.items():
            if sample == "beacon_requests_answered_total":
                by = dict(labels)
                if by["route"] in routes:
                    found[by["route"], by["outcome"]] += int(value)
        return found

    def check_ledger(self) -> None:
        """Assert the three equations."""
        assert self["beacon_requests_received_total"] == (
            self["beacon_requests_answered_total"]
            + self["beacon_requests_aborted_total"]
            + self["beacon_requests_in_flight"]
        ), self.text
        assert self["beacon_events_parsed_total"] == (
            self["beacon_events_direct_total"]
            + self["beacon_events_spooled_total"]
            + self["beacon_events_rejected_total"]
            + self["beacon_events_shed_total"]
            + self["beacon_events_failed_total"]
            + self["beacon_events_in_flight"]
        ), self.text
        assert (
            self["beacon_spool_events_waiting_at_start"] + self["beacon_events_spooled_total"]
            == self["beacon_spool_events_replayed_total"]
            + self["beacon_spool_events_quarantined_total"]
            + self["beacon_spool_events_waiting"]
        ), self.text


def scrape(admin_url: str) -> Metrics:
    """Read `/metrics` once."""
    with urllib.request.urlopen(f"{admin_url}/metrics", timeout=20) as response:
        return Metrics(response.read().decode())
