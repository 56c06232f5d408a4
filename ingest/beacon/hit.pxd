# C types of hit.py. The places of values are C arrays: who indexes them does so by a known number.
cimport cython

from ingest.beacon.cut cimport cut

cdef Py_ssize_t _FIELDS

cdef class RequestHead:
    cdef public bytes method, query, text
    cdef public Py_ssize_t seen
    cdef Py_ssize_t begins[25]
    cdef Py_ssize_t ends[25]
    cdef str _path
    cdef dict _headers
    cpdef clear(self)
    cpdef str whole_path(self)
    cpdef dict all(self)
    cpdef bytes value(self, Py_ssize_t known)
    cpdef bint has(self, Py_ssize_t known) except -1
    cpdef Py_ssize_t begin_of(self, Py_ssize_t known) except -1
    cpdef Py_ssize_t end_of(self, Py_ssize_t known) except -1
    cpdef place(self, Py_ssize_t known, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(begin=Py_ssize_t)
    cpdef append(self, Py_ssize_t known, bytes value)

cdef class Hit:
    cdef readonly object route
    cdef readonly RequestHead head
    cdef readonly bytes method
    cdef readonly bytes query
    cdef readonly bytes body
    cdef readonly object peer

@cython.locals(hit=Hit)
cpdef Hit hit_of(route, RequestHead head, bytes body, peer)
