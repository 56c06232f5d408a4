# C types of consent.py.
from ingest.beacon.hit cimport Hit

cdef frozenset _IMAGES
cdef object _BADGE
cdef bytes _OPTED_OUT, _OWS

cpdef bint opted_out(dict headers)
cpdef bint gpc(dict headers)
cpdef bint dnt(dict headers)
cpdef bint optout_unreadable(dict headers)
cdef bint _any(tuple signals, dict headers)
cdef bint _is_one(bytes value)
cdef bint _is_prefetch(dict headers)

cdef class Consent:
    cdef tuple _dropping
    cdef tuple _unsharing
    cdef frozenset _own
    cpdef bint ignored(self, Hit hit)
    cpdef bint share(self, dict headers)
    cdef bint _is_only_looked_at(self, Hit hit)
