# C types of geo.py.
cdef class Geo:
    cdef object _path, _identity, _find
    cdef bint _complained
    cpdef place(self, str network)
