# C types of url.py.
cimport cython

from ingest.beacon.percent cimport decode
from ingest.beacon.sanitise cimport without_controls, without_mail

cdef bytes _IN_HOST, _IN_PATH
cdef Py_ssize_t _HOST_LIMIT
cdef unsigned char _PERCENT, _LETTER_S, _SLASH, _FOUR, _ZERO

@cython.locals(
    size=Py_ssize_t, begin=Py_ssize_t, at=Py_ssize_t, byte=cython.uchar, before=cython.uchar,
    escaped=bint, at_sign=bint,
)
cpdef bint is_clean(bytes text) except -1

cdef class PageUrls:
    cdef readonly tuple keep_params
    cdef frozenset _names
    cdef tuple _prefixes
    cpdef clean(self, str text)
    cpdef cleaned(self, str text)
