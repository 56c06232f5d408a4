# C types of own_origin.py.
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.network cimport TrustedProxies

cdef Py_ssize_t HOST

cdef class OwnOrigin:
    cdef str _public_url
    cdef bint _public_is_secure
    cdef TrustedProxies _proxies
    cpdef str of(self, peer, RequestHead head)
    cpdef bint secure(self, peer, RequestHead head) except -1

cpdef bint is_secure(str origin) except -1
cdef str _text(str url)
