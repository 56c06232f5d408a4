"""Compiles the hot path: the same modules, as C. A `.pxd` beside a module says its C types."""

import os

from Cython.Build import cythonize
from setuptools import setup

_COMPILED = (
    "beacon/agent",
    "beacon/blake2b",
    "beacon/browser",
    "beacon/collect",
    "beacon/consent",
    "beacon/cookie",
    "beacon/cut",
    "beacon/event",
    "beacon/event_id",
    "beacon/event_text",
    "beacon/fields",
    "beacon/geo",
    "beacon/headers",
    "beacon/hit",
    "beacon/known",
    "beacon/named",
    "beacon/network",
    "beacon/page",
    "beacon/percent",
    "beacon/plain",
    "beacon/query",
    "beacon/remembered",
    "beacon/sanitise",
    "beacon/scan",
    "beacon/site",
    "beacon/sites",
    "beacon/times",
    "beacon/url",
    "beacon/verdict",
    "beacon/visit",
    "beacon/visitor",
    "beacon/written",
    "http/answers",
    "http/beacon_routes",
    "http/beacons",
    "http/clock",
    "http/content_type",
    "http/cookies",
    "http/cors",
    "http/counts",
    "http/gate",
    "http/head",
    "http/in_flight",
    "http/own_origin",
    "http/reply",
    "http/shared",
    "log/accumulator",
    "log/batch",
    "log/linger",
    "log/partition",
    "log/record_batch",
    "stats/breakdown",
    "stats/duplicates",
    "stats/event",
    "stats/heavy_hitters",
    "stats/site",
    "stats/sorted_array",
    "stats/stats",
    "stats/times",
    "stats/together",
    "stats/uniques",
    "stats/windows",
)
_DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # `int` stays an int of any size, `str` takes a StrEnum
    "boundscheck": True,
    "nonecheck": True,  # an attribute of None raises, as in Python
}

setup(
    ext_modules=cythonize(
        [f"ingest/{name}.py" for name in _COMPILED],
        build_dir="build/c",
        compiler_directives=_DIRECTIVES,
    ),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
