# C types of reply.py.
cdef class Reply:
    cdef readonly object status, route, outcome
    cdef readonly tuple headers
    cdef readonly bytes body, start
    cpdef bytes whole(self, bytes date)

cdef class ReadyReply(Reply):
    cdef bytes _date, _whole
    cpdef bytes whole(self, bytes date)

cpdef Reply with_headers(Reply answer, tuple headers)
cdef bytes _lines(tuple headers)
cpdef bytes encode(Reply answer, bytes date, bytes connection, bint head_only)

cdef class Dates:
    cdef object _second
    cdef bytes _line
    cpdef bytes line(self, long long now)
