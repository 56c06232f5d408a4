"""What is kept of a minute, an hour and a day of one site. Starts are counted from the epoch."""

from collections.abc import Callable
from enum import IntEnum

from ingest.stats.breakdown import Audience, Visit
from ingest.stats.queries import DAY, HOUR, MINUTE
from ingest.stats.uniques import Uniques, low_bits

MINUTES_A_DAY = DAY // MINUTE
HOURS_A_DAY = DAY // HOUR
PLAIN = 2_000
"""Visitors of a minute up to which they stand in a dictionary or set of Python's, which is fastest.

It is also how many are remembered with their page: with more, "pages now" speaks of the first.
"""
_FEW = 8
"""Visitors of a minute up to which they stand in the minute itself: most minutes of most sites have
one or two, and sets of them would be most of all objects."""
_NOBODY: dict[int, str] = {}
"""Who is present in a minute that has had nobody yet, or is gone. Never added to."""


class Kind(IntEnum):
    """Which window, in the saved state."""

    MINUTE = 0
    HOUR = 1
    DAY = 2


class Minute:
    """`start` is in minutes. Kept for an hour, and who is present for what "now" spans at least.

    Most sites have few visitors, so these are the most objects: what need not be made is not.
    """

    __slots__ = (
        "_few", "_held", "changed", "more", "next_key", "packed", "present", "start", "taken",
        "viewers", "views", "weighed",
    )  # fmt: skip
    kind = Kind.MINUTE

    def __init__(self, start: int) -> None:
        self.start = start
        self.views = 0
        self._few = [0, 0, 0, 0, 0, 0, 0, 0]
        """Visitors of pageviews: the first `_held` of them."""
        self._held = 0
        self.viewers: set[int] | Uniques | None = None
        """The same once there are more."""
        self.present = _NOBODY
        """Visitors of everything that shows that somebody is there, with the page seen last.

        By the key of the minute's own day.
        """
        self.more: Uniques | None = None
        """Those of `present`, and more, once there are more."""
        self.next_key: Uniques | None = None
        """Received on a later day: numbered by another key, so the same people are others."""
        self.weighed = True
        """Whether it was looked at for the day's peak, since it last changed."""
        self.packed = False
        self.changed = False
        self.taken = False

    def add_view(self, visitor: int) -> None:
        """Count a pageview."""
        self.views += 1
        if visitor < 0:
            return
        viewers, low = self.viewers, low_bits(visitor)
        if viewers is None:
            self._add_to_few(low)
        elif isinstance(viewers, set):
            viewers.add(low)
            if len(viewers) > PLAIN:
                self.viewers = Uniques(viewers)
        else:
            viewers.add(low)

    def _add_to_few(self, low: int) -> None:
        held = self._held
        for at in range(held):
            if self._few[at] == low:
                return
        if held < _FEW:
            self._few[held] = low
            self._held = held + 1
        else:
            self.viewers = {low, *self._first()}

    def _first(self) -> list[int]:
        return [self._few[at] for at in range(self._held)]

    def add_present(self, visitor: int, page: str, next_key: bool) -> None:
        """Take somebody for present; `next_key`: numbered by the key of a later day."""
        present = self.present
        if next_key:
            if self.next_key is None:
                self.next_key = Uniques()
            self.next_key.add(visitor)
        elif visitor in present:
            if page:
                present[visitor] = page
        elif self.more is not None:
            self.more.add(visitor)
        elif not present:
            self.present = {visitor: page}
        else:
            present[visitor] = page
            if len(present) > PLAIN:
                self.more = Uniques(present)

    @property
    def visitors(self) -> Uniques:
        """Of pageviews. Not to be changed."""
        viewers = self.viewers
        if isinstance(viewers, Uniques):
            return viewers
        return Uniques(self._first() if viewers is None else viewers)

    def pack(self, gone: bool) -> None:
        """Take less room, once the minute is over; `gone`: out of what "now" spans."""
        if isinstance(self.viewers, set):
            self.viewers = Uniques(self.viewers)
        if gone:
            self.packed = True
            self.present, self.more, self.next_key = _NOBODY, None, None


class _Counted:
    """An hour or a day: what was saved of its audience is read when somebody asks for it."""

    __slots__ = ("_audience", "_load", "changed", "engaged", "start", "taken", "views")

    def __init__(self, start: int) -> None:
        self.start = start
        self.views = 0
        self.engaged = 0.0
        """Seconds."""
        self.changed = False
        """Since the last save began."""
        self.taken = False
        """By a save that has not written it down yet: before it changes, it has to be."""
        self._audience: Audience | None = Audience()
        self._load: Callable[[], Audience] = Audience

    @property
    def audience(self) -> Audience:
        """Who came."""
        return self._read()

    def _read(self) -> Audience:
        if self._audience is None:
            self._audience = self._load()
            self._load = Audience
        return self._audience

    def add_view(self, visit: Visit) -> None:
        """Count a pageview."""
        self.views += 1
        self._read().add(visit)

    def add_other(self, name: str, visitor: int) -> None:
        """Count an event that is no pageview."""
        self._read().add_name(name, visitor)

    @property
    def is_read(self) -> bool:
        """Whether its audience is in memory."""
        return self._audience is not None

    def read_later(self, load: Callable[[], Audience]) -> None:
        """Take the audience from `load`, when it is asked for."""
        self._audience, self._load = None, load


class Hour(_Counted):
    """`start` is in hours. Kept for 48; then it becomes part of its day."""

    __slots__ = ()
    kind = Kind.HOUR


class Day(_Counted):
    """`start` is in days. What it counts are the hours of it that are not kept any more."""

    __slots__ = ("peak", "peak_minute")
    kind = Kind.DAY

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.peak = 0
        """Most visitors at one time, of the whole day."""
        self.peak_minute = 0

    def take(self, hour: Hour) -> None:
        """Take in an hour that is not kept any more."""
        self.views += hour.views
        self.engaged += hour.engaged
        self.audience.merge(hour.audience)


Window = Minute | Hour | Day
