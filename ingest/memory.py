"""Memory: what counting may take by the configuration, and what this process may have."""

import os
from pathlib import Path

from ingest.config import Config, Role

SITE = 7_900
"""Bytes of a site with ten visitors a day (benchmarks/results/counted.md)."""
_ID = 9
_BASE = 150_000_000
"""Bytes of the process itself."""
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def too_little(config: Config, there: int) -> str | None:
    """Why `there` bytes are too few for all that may be counted; None when they are enough."""
    if config.role is Role.COLLECTOR:
        return None
    sites, ids = config.sites.max_active, config.stats.max_ids
    needed = _BASE + SITE * sites + _ID * ids
    if needed <= there:
        return None
    return (
        f"{sites:,} small sites (sites.max_active) and {ids:,} ids (stats.max_ids) take "
        f"{needed / 1e9:.1f} GB, and there are {there / 1e9:.1f}"
    )


def there_is() -> int:
    """Bytes that this machine has, or that its container may use."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = _CGROUP.read_text().strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdecimal() else machine
