# C types of consent.py.
cimport cython

from ingest.beacon.cookie cimport count
from ingest.beacon.hit cimport Hit, RequestHead

cdef frozenset _IMAGES
cdef object _BADGE
cdef bytes _OPTED_OUT, _OWS
cdef Py_ssize_t COOKIE, HOST, PURPOSE, REFERER, SEC_FETCH_DEST, SEC_FETCH_STORAGE_ACCESS
cdef Py_ssize_t SEC_GPC, SEC_PURPOSE

cpdef bint has_opted_out(RequestHead head) except -1
cpdef bint gpc(RequestHead head) except -1
@cython.locals(value=bytes)
cpdef bint has_no_cookies(RequestHead head) except -1
@cython.locals(known=Py_ssize_t)
cdef bint _any(tuple signals, RequestHead head) except -1
cdef bint _is_one(bytes value) except -1
@cython.locals(known=Py_ssize_t, value=bytes)
cdef bint _is_prefetch(RequestHead head) except -1

cdef class Consent:
    cdef tuple _dropping
    cdef tuple _unsharing
    cdef frozenset _own
    cdef Py_ssize_t _asking, _asking_not_to_share
    @cython.locals(head=RequestHead)
    cpdef bint ignored(self, Hit hit) except -1
    cpdef bint share(self, RequestHead head) except -1
    @cython.locals(head=RequestHead, host=bytes, referer=bytes)
    cdef bint _is_only_looked_at(self, Hit hit) except -1
