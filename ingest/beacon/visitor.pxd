# C types of visitor.py.
cimport cython

cdef class VisitorNumber:
    cdef object _key, _keyed_with, _keyed
    cdef long long _at
    @cython.locals(
        agent=bytes, language=bytes, digest=bytes, number=cython.ulonglong, byte=cython.uchar
    )
    cpdef number(
        self, long long now, bytes site, str network, bytes user_agent, bytes accept_language
    )
    cdef _of_day(self, long long now)
