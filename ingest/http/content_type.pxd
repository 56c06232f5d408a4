# C types of content_type.py.
cimport cython

from ingest.beacon.hit cimport RequestHead

cdef Py_ssize_t CONTENT_ENCODING, CONTENT_TYPE

@cython.locals(content_type=bytes)
cpdef refusal(RequestHead head)
