# C types of shared.py.
from ingest.http.counts cimport RequestCounts
from ingest.http.in_flight cimport InFlight
from ingest.http.reply cimport Dates, Reply, encode

cdef class Shared:
    cdef readonly object config, proxies, beacons, loop
    cdef readonly object route_of
    cdef readonly InFlight in_flight
    cdef readonly RequestCounts counts
    cdef readonly set connections
    cdef public bint stopping
    cdef public object slow_lane
    cdef object _empty, _clock
    cdef Dates _dates
    cpdef bytes date(self)
    cpdef bytes encoded(self, Reply answer, bytes connection, bint head_only)
    cpdef bint enter(self, connection)
    cpdef adopt(self, connection)
    cpdef leave(self, connection)
