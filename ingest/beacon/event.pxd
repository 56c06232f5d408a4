# C types of event.py.
cimport cython

from ingest.beacon.event_id cimport EventIds
from ingest.beacon.browser cimport Browser
from ingest.beacon.event_text cimport EventText
from ingest.beacon.headers cimport AllowedHeaders
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.page cimport PageWriter
from ingest.beacon.plain cimport put_plain
from ingest.beacon.times cimport Times
from ingest.beacon.verdict cimport Verdict, stored
from ingest.beacon.visit cimport Visit
from ingest.beacon.visitor cimport VisitorNumber
from ingest.beacon.written cimport Written

cdef object _BADGE
cdef bytes _BEGIN
cdef Py_ssize_t _EVENT_ID, _AGE, _WIDGET, _PROPS, ORIGIN, REFERER

cdef class EventWriter:
    cdef EventIds _ids
    cdef Times _times
    cdef VisitorNumber _visitors
    cdef AllowedHeaders _headers
    cdef EventText _text
    cdef PageWriter _page
    cdef Written _place
    cdef long long _now
    cdef bytes _both_times
    cdef readonly Py_ssize_t dropped
    cdef readonly bint bot

    @cython.locals(text=EventText, dropped=list, time=cython.longlong, browser=Browser)
    cpdef Verdict write(
        self, Visit visit, route, RequestHead head, bytes site, bytes name, rules, bint listed,
        list values,
    )
    cdef bytes _written_times(self, long long time, long long now)
    cdef bytes _event_id(self, given, long long now, list dropped)
    @cython.locals(text=EventText)
    cdef _put_visitor(self, Visit visit, RequestHead head, bytes site)
    cdef _put_props(self, given, list dropped)

cdef long long _age(given, list dropped) except -1
cdef bytes _widget(route, given)
