# C types of query.py.
cimport cython

from ingest.beacon.cut cimport cut, cut_text
from ingest.beacon.percent cimport decode_bytes

cdef unsigned char _AMPERSAND, _EQUALS, _PERCENT, _PLUS

@cython.locals(
    values=dict, empty=set, unknown=Py_ssize_t, size=Py_ssize_t, at=Py_ssize_t, begin=Py_ssize_t,
    equals=Py_ssize_t, end=Py_ssize_t, escaped=bint, byte=cython.uchar, raw=bytes, name=str,
)
cpdef read_query(bytes query, dict names)
