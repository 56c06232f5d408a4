# C types of remembered.py.
cdef class Remembered:
    cdef object _make
    cdef Py_ssize_t _most
    cdef dict _older, _recent
    cpdef get(self, key)
