# C types of times.py.
cimport cython

cdef class Clock:
    cdef dict _minutes
    cdef str _minute
    cdef long long _start
    @cython.locals(minute=str)
    cpdef long long milliseconds(self, str text) except -1
    cpdef long long _begin(self, str minute) except -1

@cython.locals(number=cython.longlong, at=Py_ssize_t, digit=int)
cdef long long _number(str text, Py_ssize_t begin, Py_ssize_t end) except -1
