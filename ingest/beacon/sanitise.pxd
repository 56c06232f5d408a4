# C types of sanitise.py.
cimport cython

cdef bytes _HARMLESS
cdef unsigned char _SPACE, _FOUR, _ZERO

cpdef clean(str text, Py_ssize_t limit)

@cython.locals(size=Py_ssize_t, byte=cython.uchar, before=cython.uchar)
cpdef bint is_harmless(bytes text, Py_ssize_t limit) except -1
cpdef str without_controls(str text)
cpdef str without_mail(str text)
