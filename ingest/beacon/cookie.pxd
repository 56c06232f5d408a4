# C types of cookie.py.
cimport cython

from ingest.beacon cimport raw
from ingest.beacon.scan cimport same

cdef unsigned char _SPACE, _TAB, _SEMICOLON

@cython.locals(found=Py_ssize_t, stop=Py_ssize_t, last=Py_ssize_t)
cpdef Py_ssize_t count(bytes text, Py_ssize_t begin, Py_ssize_t end, bytes pair) except -1
