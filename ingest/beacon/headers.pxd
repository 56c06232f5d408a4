# C types of headers.py.
cimport cython

from ingest.beacon.event_text cimport EventText
from ingest.beacon.hit cimport RequestHead

cdef Py_ssize_t _LIMIT, UNKNOWN
cdef unsigned char _SPACE, _TILDE

cdef class AllowedHeaders:
    cdef tuple _names, _raw_names, _numbers, _first, _next
    cpdef dict pick(self, dict headers)
    @cython.locals(begun=bint, at=Py_ssize_t, number=Py_ssize_t, value=bytes, cleaned=str)
    cpdef put(self, RequestHead head, EventText text)
    cdef bytes _by_name(self, RequestHead head, Py_ssize_t at)

@cython.locals(size=Py_ssize_t, byte=cython.uchar)
cpdef bint is_clean(bytes value) except -1
