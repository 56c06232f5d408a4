# C types of known.py. The fields' numbers are Python's here; who reads fields makes them C's.
cimport cython

from ingest.beacon.scan cimport same_name

cdef bytes _TABLE
cdef tuple _NAMES
cdef Py_ssize_t _FACTOR
cdef Py_ssize_t _NONE

cdef Py_ssize_t _slot(Py_ssize_t length, unsigned char first, unsigned char last, Py_ssize_t factor)

@cython.locals(number=Py_ssize_t)
cpdef Py_ssize_t recognise(bytes data, Py_ssize_t begin, Py_ssize_t end) except -2
