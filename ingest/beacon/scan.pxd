# C types of scan.py. Pointers: here, in cut.py, event_text.py and blake2b.py; bounds come first.
cimport cython

ctypedef const unsigned char* Text

@cython.locals(end=Py_ssize_t, text=Text, table=Text)
cpdef Py_ssize_t span(bytes data, Py_ssize_t at, bytes allowed) except -1

@cython.locals(text=Text, expected=Text, at=Py_ssize_t)
cpdef bint same(bytes data, Py_ssize_t begin, Py_ssize_t end, bytes other) except -1

@cython.locals(text=Text, expected=Text, at=Py_ssize_t)
cpdef bint same_name(bytes data, Py_ssize_t begin, Py_ssize_t end, bytes name) except -1

@cython.locals(text=Text, sought=Text, length=Py_ssize_t, begin=Py_ssize_t, at=Py_ssize_t)
cpdef bint holds(bytes data, bytes other) except -1
