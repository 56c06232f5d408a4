# C types of head.py. Indexes are checked: a byte that is not there raises IndexError.
cimport cython

from ingest.beacon.cut cimport cut
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.known cimport recognise
from ingest.beacon.scan cimport query_span, same, span, value_span

cdef bytes _IN_NAME, _IN_PATH, _IN_PORT, _IN_HOST
cdef bytes _GET, _POST, _HTTP_1_1, _HTTP_1_0
cdef unsigned char _CR, _LF, _SPACE, _TAB, _COLON, _HASH, _QUESTION, _SLASH
cdef frozenset _METHODS
cdef Py_ssize_t HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, UPGRADE
cdef Py_ssize_t _SINGLE, _FRAMING, _ANY_NUMBER, _LONGEST_BODY

cdef class Head(RequestHead):
    cdef readonly bytes raw
    cdef readonly bint old
    cdef readonly bint keep_alive
    cdef readonly Py_ssize_t length
    cdef readonly bint chunked
    cdef readonly bint special
    cdef readonly Py_ssize_t end
    cdef Py_ssize_t _path_begin, _path_end, _line_end, _repeated
    cdef str _text
    cdef dict _all
    cpdef bint has_path(self, bytes path) except -1
    @cython.locals(path=bytes, text=str)
    cpdef str whole_path(self)
    @cython.locals(headers=dict)
    cpdef dict all(self)
    @cython.locals(bit=Py_ssize_t)
    cdef _note(self, Py_ssize_t known, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(known=Py_ssize_t)
    cdef _keep(self, bytes head, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(known=Py_ssize_t)
    cdef _join(self)
    @cython.locals(at=Py_ssize_t, begin=Py_ssize_t, end=Py_ssize_t)
    cdef bint _has_plain_host(self) except -1

@cython.locals(head=Head)
cdef Head _empty_head()

@cython.locals(read=Head, end=Py_ssize_t)
cpdef Head parse_head(bytes head, Py_ssize_t start, Py_ssize_t max_headers)

@cython.locals(
    method_end=Py_ssize_t, begin=Py_ssize_t, question=Py_ssize_t, target_end=Py_ssize_t,
    line_end=Py_ssize_t,
)
cdef bint _glance(Head read, bytes head, Py_ssize_t start) except -1

@cython.locals(
    line_end=Py_ssize_t, method_end=Py_ssize_t, target_end=Py_ssize_t, begin=Py_ssize_t,
    question=Py_ssize_t, method=bytes, version=bytes,
)
cdef _read_line(Head read, bytes head, Py_ssize_t start)

@cython.locals(question=Py_ssize_t, byte=cython.uchar)
cdef Py_ssize_t _path_end(bytes head, Py_ssize_t at, Py_ssize_t end) except -1

@cython.locals(
    count=Py_ssize_t, begin=Py_ssize_t, name_end=Py_ssize_t, value=Py_ssize_t, known=Py_ssize_t
)
cdef Py_ssize_t _read_fields(
    Head read, bytes head, Py_ssize_t at, Py_ssize_t max_headers, dict headers
) except -1

cdef _put(dict headers, bytes name, bytes value)

cdef _check(Head read)

@cython.locals(connection=bytes, length=bytes, coding=bytes, expectation=bytes)
cdef _check_framing(Head read)
