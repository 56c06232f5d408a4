"""Counts events and prints every number: `python -m tests.stats.counts SEED`, interpreted.

The `.py` of each compiled module is loaded in its place, in a process of its own, for a process has
one of them only.
"""

import json
import sys
from importlib.abc import MetaPathFinder
from importlib.util import spec_from_file_location
from random import Random
from typing import Any

from ingest.stats.queries import DAY, HOUR, MINUTE, By
from tests.stats.support import NOON, event
from tests.support.interpreted import ROOT

_EVENTS = 6_000
_NAMES = ("pageview",) * 8 + ("heartbeat", "leave", "bought")


class Sources(MetaPathFinder):
    """Finds the project's modules as Python."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """Only those of the counts."""
        file = ROOT / f"{fullname.replace('.', '/')}.py"
        if not fullname.startswith("ingest.stats.") or not file.is_file():
            return None
        return spec_from_file_location(fullname, file)


def numbers(seed: int) -> list[Any]:
    """All that is known of each site, after some hours of events, late and repeated ones too."""
    from ingest.stats.stats import Stats

    stats = Stats(NOON)
    for value in _events(Random(seed)):
        stats.apply(value)
    found: list[Any] = [[name, stats.counts.__getattribute__(name)] for name in _COUNTS]
    for name, site in sorted(stats.sites.items()):
        found.append([name, site.version, site.peak(NOON // MINUTE), site.now(NOON // MINUTE)])
        found += [
            [minute.start, minute.views, minute.visitors.count, sorted(minute.present.items())]
            for minute in site.minutes.values()
        ]
        found += [_window(each) for each in (*site.hours.values(), *site.days.values())]
    return found


_COUNTS = ("counted", "bots", "duplicates", "too_old", "bad")


def _window(window: Any) -> list[Any]:
    tops = {
        by.value: sorted(
            [value, hitter.views, hitter.before, hitter.visitors.count]
            for value, hitter in window.audience.top(by).items()
        )
        for by in By
    }
    return [window.start, window.views, window.engaged, window.audience.visitors.count, tops]


def _events(random: Random) -> list[bytes]:
    made = []
    for number in range(_EVENTS):
        late = random.choice((0, 0, 0, 0, MINUTE, HOUR, 60 * HOUR))
        at = NOON - 3 * HOUR + 3 * HOUR * number // _EVENTS
        made.append(
            event(
                max(at - late, NOON - 3 * DAY),
                random.choice((None, random.getrandbits(32), random.randrange(50))),
                received=at,
                name=random.choice(_NAMES),
                site=random.choice(("a", "a", "a", "b", f"c{random.randrange(20)}")),
                url=f"https://www.a.example/{int(random.expovariate(0.01))}?q",
                referrer=random.choice(("", "https://www.a.example/x", "https://b.example?c")),
                country=random.choice(("DE", "FR", "")),
                browser=random.choice(("Firefox", "Chrome")),
                bot=random.random() < 0.05,
                engaged_seconds=random.choice((0.0, 1.5)),
            )
        )
        if random.random() < 0.1:
            made.append(random.choice(made[-50:]))
    return made


if __name__ == "__main__":
    sys.meta_path.insert(0, Sources())
    print(json.dumps(numbers(int(sys.argv[1]))))
    assert sys.modules["ingest.stats.site"].__file__ == str(ROOT / "ingest" / "stats" / "site.py")
