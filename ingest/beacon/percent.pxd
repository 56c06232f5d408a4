# C types of percent.py.
cimport cython

cdef bytes _HEX
cdef unsigned char _PERCENT, _PLUS, _SPACE, _NO_DIGIT

cpdef str decode(str text)

@cython.locals(
    size=Py_ssize_t, decoded=bytearray, at=Py_ssize_t, to=Py_ssize_t, byte=cython.uchar,
    high=cython.uchar, low=cython.uchar,
)
cpdef str decode_bytes(bytes raw)
