# C types of answers.py.
cimport cython

from ingest.beacon.hit cimport Hit, RequestHead
from ingest.beacon.verdict cimport Verdict
from ingest.beacon.visitor cimport uid_cookie
from ingest.http.cookies cimport renewal
from ingest.http.cors cimport allow, asking_origin
from ingest.http.own_origin cimport OwnOrigin
from ingest.http.reply cimport ReadyReply, Reply, with_headers

cdef object _PIXEL_ROUTE, _BADGE_ROUTE, _OPTED_OUT

cdef class Answers:
    cdef OwnOrigin _own
    cdef object _number_for, _badges
    cdef bint _by_cookie
    cdef _Ready _pixels, _unreadable, _readable
    cpdef bint pixel_only(self, route)
    cpdef Reply pixel(self, outcome)
    @cython.locals(answer=Reply)
    cpdef Reply single(self, Hit hit, Verdict verdict, outcome)
    @cython.locals(which=Py_ssize_t)
    cdef Reply _opted_out(self, Hit hit)
    cdef Reply _badge(self, Hit hit, outcome)
    cdef _number(self, Hit hit)
    cdef Reply _events(self, Hit hit, Verdict verdict, outcome)
    cdef Reply _taken(self, Hit hit, outcome)
    cdef Reply _with_number(self, Hit hit, visitor, Reply answer)

cdef class _Ready:
    cdef readonly dict by_outcome
    cdef readonly tuple opted_out

@cython.locals(origin=bytes)
cdef Reply _for_origin(RequestHead head, Reply unreadable, Reply readable)
