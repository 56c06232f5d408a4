# C types of fields.py.
cimport cython

from ingest.beacon.sanitise cimport clean

cdef bytes _IN_PAGE_ID
cdef Py_ssize_t _LONGEST_PAGE_ID, _LONGEST_NUMBER, _SHORT

@cython.locals(values=list)
cpdef list by_number(dict given)

@cython.locals(byte=cython.uchar)
cpdef bint is_page_id(bytes text) except -1
