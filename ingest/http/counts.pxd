# C types of counts.py.
cdef class RequestCounts:
    cdef public Py_ssize_t received, aborted, in_flight, connections, turned_away
    cdef object _answered, _route, _outcome
    cdef Py_ssize_t _same
    cpdef begin(self)
    cpdef answer(self, route, outcome)
    cpdef abort(self)
    cdef _put_down(self)
