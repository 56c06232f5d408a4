# C types of times.py.
cdef tuple _REST

cdef class Times:
    cdef long long _second, _last
    cdef bytes _beginning, _text
    cpdef str text(self, long long milliseconds)
    cpdef bytes utf8(self, long long milliseconds)
