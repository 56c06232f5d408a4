# C types of visitor.py.
cimport cython

from ingest.beacon.event_text cimport EventText
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.scan cimport holds

cdef bytes _UID
cdef Py_ssize_t COOKIE, _LONGEST

cdef class VisitorNumber:
    cdef object _key, _keyed_with, _keyed
    cdef long long _at
    cdef EventText _text
    @cython.locals(
        agent=bytes, language=bytes, place=bytes, text=EventText, size=Py_ssize_t, digest=bytes,
        number=cython.ulonglong, byte=cython.uchar,
    )
    cpdef unsigned long long number(
        self, long long now, bytes site, str network, bytes user_agent, bytes accept_language
    ) except? 0
    cdef _of_day(self, long long now)

cdef bytes _beginning(bytes header)

@cython.locals(cookies=bytes)
cpdef uid_cookie(RequestHead head)
