# C types of reply.py.
cdef class Dates:
    cdef long long _second
    cdef bytes _line
    cpdef bytes line(self, long long now)

cpdef bytes encode(answer, bytes date, bytes connection, bint head_only)
