"""Waiting for a condition, as the benchmarks do too, which must not import tests."""

from benchmarks.wait import until, until_async

__all__ = ["until", "until_async"]
