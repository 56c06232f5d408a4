# C types of cookies.py.
cimport cython

from ingest.beacon.cookie cimport count
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.visitor cimport uid_cookie

cdef bytes _HERE, _OPTED_OUT
cdef Py_ssize_t COOKIE, _EVERYWHERE, _AT_SITE, _NUMBERED, _SECURE, _EVERY

@cython.locals(text=bytes, begin=Py_ssize_t, end=Py_ssize_t, seen=Py_ssize_t)
cdef Py_ssize_t _choice(RequestHead head) except -1
@cython.locals(found=Py_ssize_t)
cpdef Py_ssize_t renewal(RequestHead head, bint secure) except -1
