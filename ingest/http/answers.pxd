# C types of answers.py.
from ingest.beacon.hit cimport Hit
from ingest.beacon.verdict cimport Verdict

cdef object _PIXEL_ROUTE, _OPTED_OUT

cdef class Answers:
    cdef object _own, _number_for, _badges
    cdef bint _by_cookie
    cdef dict _pixels, _plain
    cpdef bint pixel_only(self, route)
    cpdef pixel(self, outcome)
    cpdef single(self, Hit hit, Verdict verdict, outcome)
    cdef _number(self, Hit hit)
    cdef _events(self, Hit hit, Verdict verdict, outcome)
    cdef _with_cookie(self, Hit hit, visitor, answer)
