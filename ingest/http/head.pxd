# C types of head.py. Indexes are checked: a byte that is not there raises IndexError.
cimport cython

from ingest.beacon.cut cimport cut

cdef bytes _IN_NAME, _IN_VALUE
cdef unsigned char _CR, _LF, _SPACE, _TAB, _COLON, _HASH, _QUESTION, _SLASH
cdef dict _KNOWN
cdef frozenset _METHODS

cdef class Head:
    cdef readonly bytes method
    cdef readonly str path
    cdef readonly bytes query
    cdef readonly dict headers
    cdef readonly bint old
    cdef readonly bint keep_alive
    cdef readonly object length
    cdef readonly bint chunked
    cdef readonly bint special
    cdef readonly Py_ssize_t end

@cython.locals(
    line_end=Py_ssize_t, method_end=Py_ssize_t, target_end=Py_ssize_t, begin=Py_ssize_t,
    question=Py_ssize_t, method=bytes, version=bytes, path=bytes, query=bytes, old=bint, read=Head,
)
cpdef Head parse_head(bytes head, Py_ssize_t start, Py_ssize_t max_headers)

@cython.locals(question=Py_ssize_t, byte=cython.uchar)
cdef Py_ssize_t _path_end(bytes head, Py_ssize_t at, Py_ssize_t end) except -1

@cython.locals(
    headers=dict, count=Py_ssize_t, begin=Py_ssize_t, spelled=bytes,
)
cdef _read_fields(Head read, bytes head, Py_ssize_t at, Py_ssize_t max_headers)

@cython.locals(name=bytes)
cdef _put(dict headers, bytes spelled, bytes value)

@cython.locals(host=bytes, connection=bytes, length=bytes)
cdef _check(Head read, dict headers)
