# C types of headers.py.
cimport cython

from ingest.beacon.event_text cimport EventText
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.scan cimport printable

cdef Py_ssize_t _LIMIT, UNKNOWN
cdef unsigned char _SPACE

cdef class AllowedHeaders:
    cdef tuple _names, _raw_names, _numbers, _first, _next
    cpdef dict pick(self, dict headers)
    @cython.locals(
        begun=bint, at=Py_ssize_t, number=Py_ssize_t, begin=Py_ssize_t, end=Py_ssize_t, cleaned=str
    )
    cpdef put(self, RequestHead head, EventText text)

cpdef bint is_clean(bytes text, Py_ssize_t begin, Py_ssize_t end) except -1
