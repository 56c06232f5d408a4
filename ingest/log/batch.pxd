# C types of batch.py.
cimport cython

cdef Py_ssize_t _OVERHEAD

@cython.final
@cython.freelist(1024)
cdef class Record:
    cdef readonly bytes key, value
    cdef readonly long long timestamp
    cdef readonly Py_ssize_t size

@cython.locals(record=Record)
cpdef Record record_of(bytes key, bytes value, long long timestamp)

cdef class Batch:
    cdef readonly bytes id
    cdef public object partition
    cdef readonly double opened
    cdef readonly object received
    cdef public list records
    cdef readonly list waiters
    cdef readonly Py_ssize_t size
    cpdef add(self, Record record, waiter)
    cpdef settle(self, how)
