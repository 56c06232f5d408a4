# C types of sites.py.
cdef class Sites:
    cdef object _any
    cdef object _listed
    cpdef rules(self, str site)
