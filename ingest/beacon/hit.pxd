# C types of hit.py.
cimport cython

cdef class RequestHead:
    cdef public bytes method, query
    cdef public Py_ssize_t seen
    cdef str _path
    cdef dict _headers
    cpdef str whole_path(self)
    cpdef dict all(self)
    cpdef bytes value(self, Py_ssize_t known)

cdef class Hit:
    cdef readonly object route
    cdef readonly RequestHead head
    cdef readonly bytes method
    cdef readonly bytes query
    cdef readonly bytes body
    cdef readonly object peer

@cython.locals(hit=Hit)
cpdef Hit hit_of(route, RequestHead head, bytes body, peer)
