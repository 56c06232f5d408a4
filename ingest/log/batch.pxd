# C types of batch.py.
cdef class Batch:
    cdef readonly bytes id
    cdef public object partition
    cdef readonly double opened
    cdef readonly object received
    cdef public list records
    cdef readonly list waiters
    cdef readonly Py_ssize_t size
    cpdef take(self, record, Py_ssize_t size, waiter)
    cpdef settle(self, how)
