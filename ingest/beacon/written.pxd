# C types of written.py.
cimport cython

from ingest.beacon.event_text cimport EventText

cdef Py_ssize_t _LONGEST

cdef class Written:
    cdef object _make
    cdef Py_ssize_t _most
    cdef dict _texts
    @cython.locals(known=tuple)
    cpdef of(self, thing)

@cython.locals(text=EventText)
cpdef bytes fields_text(dict fields)
