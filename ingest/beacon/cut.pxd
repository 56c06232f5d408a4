# C types of cut.py. It has pointers: bounds are checked before.
cimport cython

from ingest.beacon cimport raw

@cython.locals(text=cython.p_const_char)
cpdef bytes cut(bytes data, Py_ssize_t begin, Py_ssize_t end)

@cython.locals(text=cython.p_const_char)
cpdef str cut_text(bytes data, Py_ssize_t begin, Py_ssize_t end)

cpdef bytes cut_buffer(bytearray buffer, Py_ssize_t end)
