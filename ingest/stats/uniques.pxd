# C types of uniques.py.
cimport cython
from cpython.array cimport array as Array

from ingest.stats.sorted_array cimport vacancy

cdef long long _MASK
cdef Py_ssize_t _FREE
cdef Array _EMPTY

cpdef unsigned int low_bits(long long number)

cdef class Uniques:
    cdef readonly object _members
    cpdef add(self, long long number)
    @cython.locals(place=Py_ssize_t)
    cdef _add_to(self, Array members, unsigned int number)
    @cython.locals(number=cython.longlong)
    cpdef update(self, numbers)
    @cython.locals(others=object)
    cpdef unite(self, Uniques other)
    cpdef count_with(self, Uniques other)
    cpdef bytes dump(self)
