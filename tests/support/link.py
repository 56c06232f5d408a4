"""The network that can fail: the benchmarks have it, which must not import tests."""

from benchmarks.link import Link

__all__ = ["Link"]
