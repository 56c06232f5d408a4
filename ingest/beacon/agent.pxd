# C types of agent.py.
cimport cython

from ingest.beacon.remembered cimport Remembered

cdef Py_ssize_t _LONGEST, _LONGEST_NAME

cdef class Agents:
    cdef object _bots, _all, _spiders
    cdef readonly Remembered _look, _brand_of
    @cython.locals(user_agent=bytes, brands=bytes, mobile=bytes, platform=bytes)
    cpdef read(self, dict headers)
    cpdef _look_up(self, tuple given)
    cdef bint _is_bot(self, str text, brand) except -1
    cdef bint _is_spider(self, str text) except -1

cdef bint _any_of(tuple words, str text) except -1
cdef bint _may_hold(tuple words, str text) except -1
