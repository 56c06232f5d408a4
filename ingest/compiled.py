"""Whether the hot path runs compiled (setup.py), or as the Python that it is made from."""

from importlib.machinery import EXTENSION_SUFFIXES

import ingest.http.gate

WHY = "installed without its compiled modules, pings cost some twenty times as much: install again"


def is_compiled() -> bool:
    """Say whether it does. All modules of the hot path do, or none: they need one another."""
    return ingest.http.gate.__file__.endswith(tuple(EXTENSION_SUFFIXES))
