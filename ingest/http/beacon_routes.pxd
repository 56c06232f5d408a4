# C types of beacon_routes.py.
cimport cython

from ingest.http.head cimport Head

cdef object _EVENTS, _PIXEL, _NONE
cdef bytes _GET, _HEAD

cdef class RouteOf:
    cdef dict _known
    cdef tuple _pixels
    @cython.locals(path=bytes)
    cpdef of(self, Head head)

cpdef bint is_plain(Head head, route)
cpdef bint takes(bytes method, route)
