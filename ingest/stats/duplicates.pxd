# C types of duplicates.py.
cimport cython
from cpython.array cimport array as Array

from ingest.stats.sorted_array cimport wide_vacancy

cdef unsigned long long _MASK, _GOLDEN, _TWICE
cdef Py_ssize_t _SHIFT, _UUID, _OVERHEAD, _CODES
cdef int _HYPHEN, _NO_DIGIT
cdef bytes _DIGITS

@cython.locals(
    first=cython.ulonglong, second=cython.ulonglong, check=cython.ulonglong, mixed=cython.ulonglong,
)
cpdef unsigned long long fingerprint(str site, str event_id) except? 1
@cython.locals(
    number=cython.ulonglong, digits=int, at=Py_ssize_t, code=int, digit=int,
)
cdef unsigned long long _half(str event_id, Py_ssize_t begin) except? 1

cdef class Block:
    cdef readonly long long hour, number
    cdef readonly Py_ssize_t size
    cdef list _buckets
    cdef Array _unsaved
    cdef set _unsorted
    @cython.locals(bucket=Array)
    cpdef bint holds(self, unsigned long long mark) except -1
    @cython.locals(bucket=Array, place=Py_ssize_t)
    cpdef bint add(self, unsigned long long mark) except -1
    @cython.locals(mark=cython.ulonglong, bucket=Array)
    cpdef load(self, Array marks)
    cdef _sort(self, Py_ssize_t number)

cdef class Duplicates:
    cdef Py_ssize_t _limit, _block_limit, _cost
    cdef long long _next
    cdef list _blocks
    cdef dict _by_hour
    cdef public list dropped
    @cython.locals(blocks=list, block=Block)
    cpdef bint first(self, long long hour, unsigned long long mark) except -1
    @cython.locals(block=Block)
    cpdef Block _begin(self, long long hour)
    cpdef _keep(self, Block block)
    @cython.locals(same_hour=list)
    cpdef _drop(self, Block block)

@cython.locals(block=Block)
cdef bint _any_holds(list blocks, unsigned long long mark) except -1
