"""Child processes, as the benchmarks run them too, which must not import tests."""

from benchmarks.process import clean_environment, kill, spawn, tail

__all__ = ["clean_environment", "kill", "spawn", "tail"]
