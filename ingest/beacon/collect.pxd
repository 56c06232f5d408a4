# C types of collect.py.
cimport cython

from ingest.beacon.browser cimport Browser, Browsers
from ingest.beacon.consent cimport Consent, has_opted_out, has_no_cookies
from ingest.beacon.cut cimport cut
from ingest.beacon.event_id cimport EventIds
from ingest.beacon.fields cimport read_plain
from ingest.beacon.geo cimport Geo
from ingest.beacon.hit cimport Hit, RequestHead
from ingest.beacon.network cimport TrustedProxies
from ingest.beacon.query cimport read_query
from ingest.beacon.sanitise cimport clean
from ingest.beacon.site cimport event_name, site_name
from ingest.beacon.sites cimport Sites
from ingest.beacon.times cimport Times
from ingest.beacon.url cimport PageUrls
from ingest.beacon.verdict cimport Collected, Verdict
from ingest.beacon.visitor cimport VisitorNumber

cdef object _STORED, _PIXEL, _BADGE, _dumps
cdef Py_ssize_t ACCEPT_LANGUAGE, REFERER, USER_AGENT

cdef class CollectCounts:
    cdef public Py_ssize_t parsed, rejected, bots, unknown_fields, dropped_fields, optout_unreadable

cdef class Visit:
    cdef object now
    cdef str received, network
    cdef bint share
    cdef object agent, place, uid
    cdef dict headers
    cdef bytes user_agent, language

cdef class Collector:
    cdef TrustedProxies _proxies
    cdef Consent _consent
    cdef Browsers _browsers
    cdef Sites _sites
    cdef Geo _geo
    cdef VisitorNumber _visitors
    cdef EventIds _ids
    cdef Times _times
    cdef bint _by_cookie
    cdef readonly CollectCounts counts

    cpdef Collected collect(self, Hit hit, now)
    cdef Collected _collected(self, Hit hit, now)
    @cython.locals(head=RequestHead, visit=Visit, browser=Browser)
    cdef Visit _visit(self, Hit hit, now)
    cdef Collected _body(self, Hit hit, Visit visit)
    cdef Verdict _item(self, Hit hit, Visit visit, item)
    cdef Collected _single(self, Hit hit, Visit visit, given)
    @cython.locals(event=dict, dropped=list, values=dict, site=str)
    cdef Verdict _event(self, Hit hit, Visit visit, given)
    cdef str _event_id(self, dict values, now, list dropped)
    cdef _put_visitor(self, dict event, Visit visit, str site)
    cdef Verdict _rejected(self, Hit hit, Visit visit, str field, str reason, dict values)

@cython.locals(truncated=list)
cdef _put_page(dict event, dict values, Hit hit, PageUrls urls, list dropped)
cdef bint _put_url(dict event, PageUrls urls, str name, value, list dropped, list truncated) except -1
cdef _put_known(dict event, Visit visit)
cdef _put(dict event, str name, value)
cdef _age(dict values, list dropped)
cdef str _widget(route, dict values)
cdef _put_props(dict event, dict values, list dropped)
