# C types of plain.py.
cimport cython

from ingest.beacon.event_text cimport EventText
from ingest.beacon.fields cimport is_page_id
from ingest.beacon.remembered cimport Remembered

cdef tuple _PLAIN
cdef unsigned char _ZERO, _NINE
cdef Py_ssize_t _SHORT, _LONGEST

cdef class Plain:
    cdef readonly Py_ssize_t number
    cdef str _name
    cdef object _read
    cdef bytes _key
    cpdef put(self, value, EventText text, list dropped)
    cpdef bint put_certain(self, bytes value, EventText text) except -1
    cpdef put_read(self, value, EventText text, list dropped)

cdef class PageId(Plain):
    cpdef bint put_certain(self, bytes value, EventText text) except -1

cdef class Whole(Plain):
    cdef unsigned long long _low, _high
    @cython.locals(size=Py_ssize_t, number=cython.ulonglong, byte=cython.uchar)
    cpdef bint put_certain(self, bytes value, EventText text) except -1

cdef class Few(Plain):
    cdef Remembered _made
    @cython.locals(made=bytes)
    cpdef bint put_certain(self, bytes value, EventText text) except -1

@cython.locals(field=Plain)
cpdef put_plain(list values, EventText text, list dropped)
