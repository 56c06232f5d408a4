# C types of record_batch.py. Pointers write only where `_room` was asked for.
cimport cython

from ingest.log.batch cimport Record

cdef Py_ssize_t _LONGEST_NUMBER, _LONGEST_FRAMING

@cython.final
cdef class BatchWriter:
    cdef object _attributes, _compress
    cdef bytearray _buffer
    cdef bytes _headers
    cdef Py_ssize_t _room, _used
    @cython.locals(first=cython.longlong, latest=cython.longlong, number=Py_ssize_t, record=Record)
    cpdef write(self, records)
    @cython.locals(
        keys=Py_ssize_t, values=Py_ssize_t, rest=bytes, most=Py_ssize_t, since=cython.ulonglong,
        size=Py_ssize_t, at=Py_ssize_t, out=cython.p_char,
    )
    cdef _put(self, Py_ssize_t number, long long later, bytes key, bytes value)
    cdef _make_room(self, Py_ssize_t size)

@cython.locals(width=Py_ssize_t)
cdef Py_ssize_t _width(unsigned long long number) noexcept
cdef Py_ssize_t _put_number(char *out, Py_ssize_t at, unsigned long long number) noexcept
@cython.locals(index=Py_ssize_t)
cdef Py_ssize_t _put_bytes(char *out, Py_ssize_t at, const char *data, Py_ssize_t size) noexcept
