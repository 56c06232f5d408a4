# C types of counts.py.
cdef class RequestCounts:
    cdef public Py_ssize_t received, aborted, in_flight, connections, turned_away
    cdef readonly object answered
    cpdef begin(self)
    cpdef answer(self, route, outcome)
    cpdef abort(self)
