"""Counts from the log. A pure core, and around it what reads the log and keeps the state.

- `event`: what is counted of an event. `stats` takes events in: `duplicates` first, then the
  event's `site`, which holds `windows`: minutes for the last hour, hours for 48, days.
- `uniques` is a set of visitors: a sorted array while small, then a roaring bitmap, of the low 24
  bits of their numbers, counted by linear counting.
- A pageview becomes one row (`breakdown`) in its hour, and only when an hour has many are they
  folded into top lists (`heavy_hitters`): most sites are small, and rows are smaller than lists.
- In memory are today and the 48 hours before; earlier days are read from `state` when asked for.
- `state` keeps changed windows and the log's position in one transaction (SQLite, own thread);
  `sql` and `codec` are how they are written. `snapshot` is what is saved: of one moment, while
  counting goes on. `follow_store` and `follow_kafka` read the log.
- Queries (`queries`: the interface, `answers`: behind it) run on the event loop, as counting does,
  in slices of a few milliseconds: nothing here needs a lock.
"""
