# C types of query.py.
cimport cython

from ingest.beacon cimport raw
from ingest.beacon.cut cimport cut
from ingest.beacon.percent cimport decode_bytes, decoded
from ingest.beacon.scan cimport escaped, same

cdef unsigned char _AMPERSAND, _EQUALS
cdef Py_ssize_t _LAST_SLOT, _NO_NAME

@cython.locals(values=dict, empty=set, unknown=Py_ssize_t, short=bytes, value=bytes, name=str)
cpdef read_query(bytes query, dict names)

cdef class QueryReader:
    cdef tuple _names
    cdef Py_ssize_t _factor
    cdef bytes _slots
    cdef readonly Py_ssize_t unknown
    @cython.locals(
        values=list, seen=cython.ulonglong, number=Py_ssize_t, unknown=Py_ssize_t,
        at=Py_ssize_t, end=Py_ssize_t, equals=Py_ssize_t,
    )
    cpdef list read(self, bytes query)
    @cython.locals(number=Py_ssize_t, name=bytes)
    cdef Py_ssize_t _number_of(self, bytes query, Py_ssize_t begin, Py_ssize_t end) except -2
    @cython.locals(size=Py_ssize_t, number=Py_ssize_t)
    cdef Py_ssize_t _number(self, bytes query, Py_ssize_t begin, Py_ssize_t end) except -2

cdef bytes _value(bytes query, Py_ssize_t begin, Py_ssize_t end)

cdef Py_ssize_t _slot(Py_ssize_t first, Py_ssize_t last, Py_ssize_t size, Py_ssize_t factor) except -1
