# What raw.py says, for compiled modules: nothing is checked here.
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memchr, memcpy

cdef inline Py_ssize_t find(
    bytes data, Py_ssize_t at, Py_ssize_t end, unsigned char byte
) noexcept:
    cdef char* text = PyBytes_AS_STRING(data)
    cdef char* found = <char*>memchr(text + at, byte, end - at)
    return end if found is NULL else found - text

cdef inline void copy(
    bytearray out, Py_ssize_t to, bytes data, Py_ssize_t begin, Py_ssize_t size
) noexcept:
    memcpy(PyByteArray_AS_STRING(out) + to, PyBytes_AS_STRING(data) + begin, size)

cdef inline unsigned long long word(bytes data, Py_ssize_t at) noexcept:
    cdef unsigned long long found
    memcpy(&found, PyBytes_AS_STRING(data) + at, 8)
    return found

cdef inline bytes taken(bytearray buffer, Py_ssize_t end):
    return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffer), end)
