# C types of partition.py.
cdef class Partitions:
    cdef object _count
    cdef dict _hashes
    cpdef of(self, bytes key)
