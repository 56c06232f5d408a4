# C types of in_flight.py.
from ingest.http.head cimport Head

cdef Py_ssize_t _REQUEST, _HEAD_COPIES

cdef class InFlight:
    cdef Py_ssize_t _bound
    cdef public Py_ssize_t held
    cpdef bint is_full(self)

cpdef Py_ssize_t cost(Head head, bytes raw, Py_ssize_t max_body)
