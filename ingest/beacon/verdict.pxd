# C types of verdict.py.
cdef class Verdict:
    cdef readonly object outcome
    cdef readonly bytes site
    cdef readonly object time
    cdef readonly bytes event
    cdef readonly str event_id
    cdef readonly object visitor
    cdef readonly str field
    cdef readonly str reason
    cdef readonly bytes rejection

cdef class Collected:
    cdef readonly tuple verdicts
    cdef readonly bint array
