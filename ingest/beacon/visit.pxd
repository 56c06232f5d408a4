# C types of visit.py.
from ingest.beacon.browser cimport Browser

cdef class Visit:
    cdef public long long now
    cdef public str received, network
    cdef public bint share
    cdef public Browser browser
    cdef public object place, uid
