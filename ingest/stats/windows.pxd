# C types of windows.py.
cimport cython

from ingest.stats.breakdown cimport Audience
from ingest.stats.uniques cimport Uniques, low_bits

cdef Py_ssize_t _FEW
cdef dict _NOBODY

cdef class Minute:
    cdef public long long start, views
    cdef unsigned int[8] _few
    cdef Py_ssize_t _held
    cdef public object viewers
    cdef public dict present
    cdef public Uniques more, next_key
    cdef public bint weighed, packed, changed, taken
    @cython.locals(low=cython.uint)
    cpdef add_view(self, long long visitor)
    @cython.locals(held=Py_ssize_t, at=Py_ssize_t)
    cdef _add_to_few(self, unsigned int low)
    @cython.locals(at=Py_ssize_t)
    cdef list _first(self)
    cpdef add_present(self, long long visitor, str page, bint next_key)
    cpdef pack(self, bint gone)

cdef class _Counted:
    cdef public long long start, views
    cdef public double engaged
    cdef public bint changed, taken
    cdef Audience _audience
    cdef object _load
    cdef Audience _read(self)
    cpdef add_view(self, tuple visit)
    cpdef add_other(self, str name, long long visitor)
    cpdef read_later(self, load)

cdef class Hour(_Counted):
    pass

cdef class Day(_Counted):
    cdef public long long peak, peak_minute
    cpdef take(self, Hour hour)
