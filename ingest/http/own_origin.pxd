# C types of own_origin.py.
cimport cython

from ingest.beacon.hit cimport RequestHead
from ingest.beacon.network cimport TrustedProxies

cdef Py_ssize_t HOST

cdef class OwnOrigin:
    cdef str _public_url
    cdef bint _public_is_secure
    cdef TrustedProxies _proxies
    cpdef str of(self, peer, RequestHead head)
    @cython.locals(host=bytes)
    cpdef bint secure(self, peer, RequestHead head) except -1

cpdef bint is_secure(str origin) except -1
cdef bint _is_loopback(str authority) except -1
cdef str _text(str url)
