# C types of event_id.py.
cimport cython

from ingest.beacon.cut cimport cut_buffer

cdef bytes _RANDOM, _VARIANT
cdef Py_ssize_t _ID_DIGITS, _LENGTH, _VARIANT_AT

cdef class EventIds:
    cdef object _entropy
    cdef long long _now
    cdef bytes _pool
    cdef bytearray _text
    cdef Py_ssize_t _used
    @cython.locals(
        pool=bytes, text=bytearray, at=Py_ssize_t, to=cython.uchar
    )
    cpdef bytes new(self, long long now)
