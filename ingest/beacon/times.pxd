# C types of times.py.
cdef tuple _REST

cdef class Times:
    cdef long long _second
    cdef str _text
    cpdef str text(self, long long milliseconds)
