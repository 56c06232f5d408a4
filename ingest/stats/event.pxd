# C types of event.py.
cimport cython

from ingest.stats.times cimport Clock

cdef Py_ssize_t _VALUE_LIMIT, _SOURCES_KEPT

cdef class Event:
    cdef readonly str site, name, id, page, referrer, country, browser, os, device
    cdef readonly long long time, received, visitor
    cdef readonly bint bot
    cdef readonly double engaged_seconds

cdef class EventReader:
    cdef object _decode
    cdef Clock _clock
    cdef dict _sources
    cpdef Event read(self, bytes value)
    @cython.locals(
        event=Event, event_id=str, time=str, received=str, site=str, name=str, device=str, url=str,
        referrer=str, country=str, browser=str, system=str, page=str, source=str,
    )
    cdef Event _event(self, tuple fields)
    cdef str _source(self, str referrer)

@cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
cdef str _page(str url)
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
cdef bint _is_host_of(str source, str page) except -1
cdef str _host(str referrer)
@cython.locals(begin=Py_ssize_t)
cdef Py_ssize_t _behind_scheme(str address) except -1
@cython.locals(stop=Py_ssize_t)
cdef str _until(str text, str end)
