# C types of scan.py. It has pointers: bounds are checked before.
cimport cython

from ingest.beacon cimport raw

ctypedef const unsigned char* Text

cdef unsigned char _TAB, _CR, _SPACE, _TILDE, _DELETE, _HASH, _PERCENT, _PLUS
cdef bytes _IN_VALUE, _IN_QUERY
cdef unsigned long long _GOLDEN, _ALL

@cython.locals(end=Py_ssize_t, text=Text, table=Text)
cpdef Py_ssize_t span(bytes data, Py_ssize_t at, bytes allowed) except -1

@cython.locals(
    end=Py_ssize_t, text=Text, table=Text, odd=cython.uchar, spot=Py_ssize_t, line_end=Py_ssize_t
)
cpdef Py_ssize_t value_span(bytes data, Py_ssize_t at) except -1

@cython.locals(
    end=Py_ssize_t, text=Text, table=Text, odd=cython.uchar, spot=Py_ssize_t, space=Py_ssize_t
)
cpdef Py_ssize_t query_span(bytes data, Py_ssize_t at) except -1

@cython.locals(text=Text, expected=Text, at=Py_ssize_t, odd=cython.uchar)
cpdef bint same(bytes data, Py_ssize_t begin, Py_ssize_t end, bytes other) except -1

@cython.locals(text=Text, expected=Text, at=Py_ssize_t, odd=cython.uchar)
cpdef bint same_name(bytes data, Py_ssize_t begin, Py_ssize_t end, bytes name) except -1

@cython.locals(text=Text, at=Py_ssize_t, odd=cython.uchar)
cpdef bint printable(bytes data, Py_ssize_t begin, Py_ssize_t end) except -1

@cython.locals(text=Text, at=Py_ssize_t, odd=cython.uchar)
cpdef bint escaped(bytes data, Py_ssize_t begin, Py_ssize_t end) except -1

@cython.locals(text=Text, sought=Text, length=Py_ssize_t, start=Py_ssize_t, at=Py_ssize_t)
cpdef bint holds(bytes data, Py_ssize_t begin, Py_ssize_t end, bytes other) except -1

@cython.locals(bits=cython.ulonglong, at=Py_ssize_t, text=Text, rest=cython.ulonglong)
cpdef unsigned long long mixed(
    bytes data, Py_ssize_t begin, Py_ssize_t end, unsigned long long before
) except? 0

cdef unsigned long long _spread(unsigned long long bits) noexcept
