# C types of hit.py.
cdef class Hit:
    cdef readonly object route
    cdef readonly bytes method
    cdef readonly str path
    cdef readonly bytes query
    cdef readonly dict headers
    cdef readonly bytes body
    cdef readonly object peer
