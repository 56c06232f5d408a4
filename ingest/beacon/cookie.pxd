# C types of cookie.py.
cimport cython

from ingest.beacon.scan cimport same, span

cdef unsigned char _SPACE, _TAB
cdef bytes _IN_PAIR, _IS_OWS

@cython.locals(
    found=Py_ssize_t, begin=Py_ssize_t, whole=Py_ssize_t, end=Py_ssize_t, first=Py_ssize_t,
    last=Py_ssize_t,
)
cpdef Py_ssize_t count(bytes cookies, bytes pair) except -1
