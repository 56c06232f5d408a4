# C types of event_id.py.
cimport cython

cdef dict _VARIANT

cdef class EventIds:
    cdef object _entropy, _now
    cdef str _pool, _start
    cdef Py_ssize_t _used
    @cython.locals(pool=str, at=Py_ssize_t, variant=str, first=str, second=str, last=str)
    cpdef str new(self, now)
