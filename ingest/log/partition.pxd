# C types of partition.py.
cimport cython

cdef class Partitions:
    cdef public Py_ssize_t count
    cdef dict _hashes
    @cython.locals(number=Py_ssize_t)
    cpdef of(self, bytes key)
