# C types of percent.py. It has pointers: bounds are checked before.
cimport cython

from ingest.beacon.cut cimport cut_buffer
from ingest.beacon.scan cimport Text

cdef bytes _HEX
cdef bytearray _SCRATCH
cdef Py_ssize_t _SHORT
cdef unsigned char _PERCENT, _PLUS, _SPACE, _NO_DIGIT

cpdef str decode(str text)

cpdef str decode_bytes(bytes raw)

@cython.locals(
    scratch=bytearray, text=Text, digits=Text, out=cython.p_uchar, at=Py_ssize_t,
    to=Py_ssize_t, byte=cython.uchar, high=cython.uchar, low=cython.uchar,
)
cpdef bytes decoded(bytes raw, Py_ssize_t begin, Py_ssize_t end)
