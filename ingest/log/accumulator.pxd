# C types of accumulator.py.
cimport cython

from ingest.log.batch cimport Batch, Record
from ingest.log.linger cimport Linger

cdef class Accumulator:
    cdef object _sink, _delivery, _batching, _entropy, _loop, _partition
    cdef Linger _linger
    cdef readonly dict _busy
    cdef readonly set _ripe
    cdef dict _open, _timers
    cdef set _writes
    cdef double _hold, _moment
    cdef Py_ssize_t _bytes, _limit, _most
    cdef readonly object counts
    cdef readonly Py_ssize_t events_in_flight
    @cython.locals(batch=Batch, size=Py_ssize_t)
    cpdef append(self, Record record, waiter)
    cpdef bint offer(self, Record record)
    cdef bint _has_room(self, Py_ssize_t size)
    cdef Batch _begin(self, partition)
    cdef _take_along(self)
    cdef _go_on(self, partition)
    cdef _settle(self, Batch batch, how)
