# C types of beacon_routes.py.
from ingest.http.head cimport Head

cdef object _EVENTS, _NONE

cpdef bint is_plain(Head head, route)
cpdef bint takes(bytes method, route)
