"""The changes of one moment, written down while counting goes on: what changes is written first."""

from collections.abc import Iterator, Mapping

from ingest.stats import codec
from ingest.stats.numbers import numbers_of
from ingest.stats.site import Site
from ingest.stats.sql import Saved
from ingest.stats.stats import Stats
from ingest.stats.windows import Day, Window


class Snapshot:
    """Taken when it is made; `saved` is whole when `write_down` has ended."""

    def __init__(self, stats: Stats, positions: Mapping[str, str]) -> None:
        """`positions` say where in the log the counts stand."""
        duplicates = stats.duplicates
        self.saved = Saved(dict(positions))
        self.saved.dropped_ids, duplicates.dropped = duplicates.dropped, []
        self.saved.ids = list(duplicates.unsaved())
        self._stats = stats
        self._changes = stats.take_changes(self._write)

    def write_down(self) -> Iterator[None]:
        """Write down what nothing has changed so far; yields often, so that others can run."""
        for site, window in self._changes.removed:
            # One of the same time may have begun since, and be written already.
            self.saved.windows.setdefault((site.name, int(window.kind), window.start), None)
            yield
        for site, window in self._changes.changed:
            if window.taken:
                self._write(site, window)
            yield
        self._stats.all_written()

    def _write(self, site: Site, window: Window) -> None:
        if site.holds(window):
            if isinstance(window, Day):
                if window.audience.rows:
                    window.audience.fold()  # a visit by itself is kept with its hour, not longer
                self.saved.numbers.append((site.name, numbers_of(window)))
            self.saved.windows[site.name, int(window.kind), window.start] = codec.dump(window)
        window.taken = False
