# C types of event_text.py. It has pointers: `_room` is asked before.
cimport cython

from ingest.beacon cimport raw
from ingest.beacon.cut cimport cut_buffer
from ingest.beacon.scan cimport Text

cdef object _dumps
cdef bytes _AS_IT_IS
cdef unsigned char _QUOTE, _BACKSLASH, _ZERO
cdef Py_ssize_t _LONGEST_NUMBER

@cython.final
cdef class EventText:
    cdef bytearray _buffer
    cdef Py_ssize_t _used, _room

    cpdef begin(self)
    cpdef bytes take(self)
    cpdef put(self, bytes ready)
    @cython.locals(size=Py_ssize_t)
    cpdef put_part(self, bytes data, Py_ssize_t begin, Py_ssize_t end)
    cpdef put_quoted(self, bytes plain, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(
        size=Py_ssize_t, to=Py_ssize_t, at=Py_ssize_t, odd=cython.uchar, out=cython.p_char,
        source=Text,
    )
    cpdef put_printable(self, bytes text, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(size=Py_ssize_t, at=Py_ssize_t, out=cython.p_char, char=Py_UCS4, code=Py_ssize_t)
    cpdef put_text(self, str text)
    @cython.locals(
        size=Py_ssize_t, rest=cython.ulonglong, begin=Py_ssize_t, at=Py_ssize_t, out=cython.p_char,
    )
    cpdef put_number(self, unsigned long long number)
    cpdef put_value(self, value)
    @cython.locals(out=cython.p_char)
    cdef _put_quote(self)
    cdef _make_room(self, Py_ssize_t size)
