# C types of linger.py.
cdef class Linger:
    cdef double _least, _most, _events, _since
    cdef Py_ssize_t _arrived
    cdef readonly double seconds
    cpdef arrived(self)
    cpdef double opened(self, double now, Py_ssize_t partitions)
