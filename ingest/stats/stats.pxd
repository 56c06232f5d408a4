# C types of stats.py.
cimport cython

from ingest.stats.duplicates cimport Duplicates, fingerprint
from ingest.stats.event cimport Event, EventReader
from ingest.stats.site cimport Site

cdef long long HOUR, MINUTE, DAY

cdef class StatsCounts:
    cdef public Py_ssize_t counted, bots, duplicates, too_old, sites_full, bad

cdef class Stats:
    cdef readonly StatsCounts counts
    cdef readonly dict sites
    cdef readonly Duplicates duplicates
    cdef readonly object left_out
    cdef readonly long long now
    cdef object _bounds, _history, _load_day, _write, _write_first
    cdef bint _count_bots
    cdef EventReader _reader
    cdef list _changed, _removed
    cdef set _faults
    cdef long long _oldest_hour, _oldest, _minute
    cpdef advance(self, long long now)
    cpdef apply(self, bytes value)
    @cython.locals(event=Event, mark=cython.ulonglong, site=Site)
    cdef _apply(self, bytes value)
    cpdef Site site(self, str name, bint make=*)
