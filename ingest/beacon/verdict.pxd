# C types of verdict.py.
cimport cython

cdef object _STORED
cdef Py_ssize_t _ID_BEGIN, _ID_END

cdef class Verdict:
    cdef readonly object outcome
    cdef readonly bytes site
    cdef readonly object time
    cdef readonly bytes event
    cdef readonly object visitor
    cdef readonly str field
    cdef readonly str reason
    cdef readonly bytes rejection
    cdef str _event_id

@cython.locals(verdict=Verdict)
cpdef Verdict stored(bytes site, time, bytes event, visitor)

cdef class Collected:
    cdef readonly tuple verdicts
    cdef readonly bint array

@cython.locals(collected=Collected)
cpdef Collected single(Verdict verdict)
