# C types of cors.py.
cimport cython

from ingest.beacon.hit cimport RequestHead

cdef Py_ssize_t ORIGIN

@cython.locals(origin=bytes)
cpdef bytes asking_origin(RequestHead head)
cpdef tuple allow(bytes origin)
cpdef tuple with_credentials(RequestHead head)
cpdef tuple preflight(RequestHead head)
