# C types of headers.py.
cimport cython

from ingest.beacon.remembered cimport Remembered

cdef Py_ssize_t _SHORT

cdef class AllowedHeaders:
    cdef tuple _names
    cdef readonly tuple raw_names
    cdef Remembered _remembered
    @cython.locals(size=Py_ssize_t, values=list, value=bytes, given=tuple)
    cpdef dict pick(self, dict headers)
