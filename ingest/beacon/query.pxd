# C types of query.py.
cimport cython

from ingest.beacon.cut cimport cut
from ingest.beacon.percent cimport decoded

cdef unsigned char _AMPERSAND, _EQUALS, _PERCENT, _PLUS
cdef Py_ssize_t _LAST_SLOT, _NO_NAME

cdef class Pairs:
    cdef bytes _query
    cdef Py_ssize_t _at, _begin, _equals, _end
    cdef bint _name_escaped, _value_escaped
    cpdef start(self, bytes query)
    @cython.locals(
        query=bytes, size=Py_ssize_t, at=Py_ssize_t, equals=Py_ssize_t, name_escaped=bint,
        escaped=bint, byte=cython.uchar,
    )
    cpdef bint next(self) except -1
    cpdef bint named(self) except -1
    cpdef bint empty(self) except -1
    cpdef bytes name(self)
    cpdef bytes value(self)

@cython.locals(values=dict, empty=set, unknown=Py_ssize_t, pairs=Pairs, name=str)
cpdef read_query(bytes query, dict names)

cdef class QueryReader:
    cdef tuple _names
    cdef Py_ssize_t _factor
    cdef bytes _slots
    cdef Pairs _pairs
    cdef readonly Py_ssize_t unknown
    @cython.locals(
        pairs=Pairs, values=list, seen=cython.ulonglong, number=Py_ssize_t, unknown=Py_ssize_t,
        name=bytes,
    )
    cpdef list read(self, bytes query)
    @cython.locals(size=Py_ssize_t, number=Py_ssize_t, name=bytes, at=Py_ssize_t)
    cdef Py_ssize_t _number(self, bytes query, Py_ssize_t begin, Py_ssize_t end) except -2

cdef Py_ssize_t _slot(Py_ssize_t first, Py_ssize_t last, Py_ssize_t size, Py_ssize_t factor) except -1
