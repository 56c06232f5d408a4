# C types of visitor.py.
cimport cython

from ingest.beacon.blake2b cimport KeyedHash
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.scan cimport holds

cdef bytes _UID
cdef Py_ssize_t ACCEPT_LANGUAGE, COOKIE, USER_AGENT, _LONGEST

cdef class VisitorNumber:
    cdef object _key, _keyed_with
    cdef KeyedHash _keyed
    cdef long long _at
    @cython.locals(
        hashed=KeyedHash, place=bytes, text=bytes, agent=Py_ssize_t, agent_end=Py_ssize_t,
        language=Py_ssize_t, language_end=Py_ssize_t,
    )
    cpdef unsigned long long number(
        self, long long now, bytes site, str network, RequestHead head
    ) except? 0
    cdef KeyedHash _of_day(self, long long now)

cpdef uid_cookie(RequestHead head)
