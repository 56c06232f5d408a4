# C types of site.py.
cimport cython

from ingest.stats.event cimport Event
from ingest.stats.uniques cimport low_bits
from ingest.stats.windows cimport Day, Hour, Minute, _Counted

cdef long long DAY, HOUR, MINUTE, HOURS_A_DAY, MINUTES_A_DAY, NOW_MINUTES, _MINUTES, UNKNOWN
cdef Py_ssize_t _SMALL

cdef class Site:
    cdef readonly str name
    cdef public dict minutes, hours, days
    cdef public long long version
    cdef public object online
    cdef list _fresh, _changed
    cdef object _load_day, _write
    cdef dict _together
    @cython.locals(
        name=str, visitor=cython.longlong, time=cython.longlong, start=cython.longlong,
        window=_Counted, minute=Minute, next_key=bint,
    )
    cpdef apply(self, Event event, long long oldest_hour, long long clock)
    @cython.locals(windows=dict)
    cpdef bint holds(self, window) except -1
    cpdef now(self, long long minute)
    @cython.locals(start=cython.longlong, window=Minute, day=cython.longlong)
    cdef dict _keys(self, long long minute)
    @cython.locals(
        fresh=list, start=cython.longlong, begin=cython.longlong, last=cython.longlong,
    )
    cpdef weigh(self)
    @cython.locals(
        near=list, bounds=list, minute=Minute, at=Py_ssize_t, before=Py_ssize_t,
        spanned=Py_ssize_t, start=cython.longlong, there=cython.longlong,
    )
    cdef _weigh(self, long long begin, long long end)
    @cython.locals(number=cython.longlong, day=Day, there=cython.longlong)
    cdef _compare(self, long long start, long long at_most)
    @cython.locals(minute=Minute)
    cdef Minute _minute(self, long long start, long long clock)
    @cython.locals(fresh=list, minute=Minute)
    cdef bint _weigh_now(self) except -1
    @cython.locals(minute=Minute)
    cdef _pack(self, long long newest)
    @cython.locals(hour=Hour, earlier=Hour)
    cdef Hour _hour(self, long long start)
    @cython.locals(day=Day)
    cdef Day _day(self, long long start)
    cdef _note(self, window)

@cython.locals(there=cython.longlong)
cdef long long _at_most(Minute minute) except -1
