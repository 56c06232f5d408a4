# C types of collect.py.
cimport cython

from ingest.beacon.browser cimport Browsers
from ingest.beacon.consent cimport Consent, has_no_cookies, has_opted_out
from ingest.beacon.event cimport EventWriter
from ingest.beacon.fields cimport by_number
from ingest.beacon.geo cimport Geo
from ingest.beacon.headers cimport AllowedHeaders
from ingest.beacon.hit cimport Hit, RequestHead
from ingest.beacon.named cimport Name, Names
from ingest.beacon.network cimport TrustedProxies
from ingest.beacon.query cimport QueryReader, read_query
from ingest.beacon.site cimport site_name
from ingest.beacon.sites cimport Sites
from ingest.beacon.times cimport Times
from ingest.beacon.verdict cimport Collected, Verdict, single
from ingest.beacon.visit cimport Visit
from ingest.beacon.visitor cimport uid_cookie

cdef object _PIXEL, _BADGE
cdef Py_ssize_t _SITE, _NAME, _EVENT_ID

cdef class CollectCounts:
    cdef public Py_ssize_t parsed, rejected, bots, unknown_fields, dropped_fields, optout_unreadable

cdef class Collector:
    cdef TrustedProxies _proxies
    cdef Consent _consent
    cdef Browsers _browsers
    cdef AllowedHeaders _headers
    cdef Sites _sites
    cdef Geo _geo
    cdef Times _times
    cdef QueryReader _query
    cdef Names _names
    cdef EventWriter _writer
    cdef bint _by_cookie
    cdef readonly CollectCounts counts

    cpdef Collected collect(self, Hit hit, now)
    cdef Collected _collected(self, Hit hit, now)
    @cython.locals(head=RequestHead, visit=Visit)
    cdef Visit _visit(self, Hit hit, now)
    cdef Collected _body(self, Hit hit, Visit visit)
    cdef Verdict _item(self, Hit hit, Visit visit, item)
    cdef Verdict _given(self, Hit hit, Visit visit, given)
    @cython.locals(site=Name, name=Name, verdict=Verdict)
    cdef Verdict _event(self, Hit hit, Visit visit, list values, Py_ssize_t unknown)
    cdef Verdict _rejected(self, Hit hit, Visit visit, str field, str reason, list values)
