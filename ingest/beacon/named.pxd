# C types of named.py.
from ingest.beacon.remembered cimport Remembered

cdef Py_ssize_t _LONGEST

cdef class Name:
    cdef readonly str text
    cdef readonly bytes utf8

cdef class Names:
    cdef Remembered _sites, _events
    cdef Name _pageview
    cpdef Name site(self, given)
    cpdef Name event(self, given)

cdef bint _may_be_name(given) except -1
