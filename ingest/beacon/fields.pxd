# C types of fields.py.
cimport cython

from ingest.beacon.sanitise cimport clean

cdef tuple _PLAIN
cdef frozenset _PLAIN_NAMES
cdef bytes _IN_PAGE_ID
cdef Py_ssize_t _LONGEST_PAGE_ID, _LONGEST_NUMBER, _SHORT

cpdef read_plain(dict given, dict event, list dropped)

@cython.locals(char=Py_UCS4)
cdef bint _is_page_id(str text)
