# C types of clock.py. Its `time` is Cython's own, which makes no Python integer.
from cpython cimport time

cpdef long long now() noexcept
