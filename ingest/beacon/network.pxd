# C types of network.py.
cimport cython

from ingest.beacon.cut cimport cut_text
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.scan cimport same

cdef unsigned char _COLON, _DOT, _ZERO, _NINE
cdef bytes _HEX
cdef Py_ssize_t FORWARDED, X_FORWARDED_FOR, X_FORWARDED_PROTO

@cython.locals(
    dots=Py_ssize_t, dot=Py_ssize_t, digits=Py_ssize_t, number=Py_ssize_t, at=Py_ssize_t,
    byte=cython.uchar,
)
cdef Py_ssize_t _last_dot(bytes text, Py_ssize_t begin, Py_ssize_t end) except -1

@cython.locals(
    groups=Py_ssize_t, digits=Py_ssize_t, kept=Py_ssize_t, at=Py_ssize_t, gap=bint,
    first=cython.uchar, byte=cython.uchar,
)
cdef Py_ssize_t _third_group(bytes text, Py_ssize_t begin, Py_ssize_t end) except -1

@cython.locals(cut_at=Py_ssize_t)
cdef str _plain_network(bytes text, Py_ssize_t begin, Py_ssize_t end)

cpdef str anonymise(str address)

cpdef str parsed_network(str address)

cdef str _plain_ipv6(str address)

cdef bytes _given(bytes value)

cdef class TrustedProxies:
    cdef tuple _v4, _v6
    @cython.locals(plain=str)
    cpdef str client(self, peer, RequestHead head)
    @cython.locals(value=bytes)
    cpdef bint https(self, peer, RequestHead head) except -1
    @cython.locals(text=str)
    cdef str _told(self, peer, bytes forwarded_for, bytes forwarded)
