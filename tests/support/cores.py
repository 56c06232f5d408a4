"""How many cores the tests may use."""

import os

import pytest

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two cores are needed")
"""For what gives the server and the load a core each."""
