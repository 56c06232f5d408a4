# C types of browser.py.
cimport cython

from ingest.beacon.agent cimport Agents
from ingest.beacon.headers cimport AllowedHeaders
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.remembered cimport Remembered
from ingest.beacon.written cimport fields_text

cdef Py_ssize_t _SHORT

cdef class Browser:
    cdef readonly object agent
    cdef readonly dict headers
    cdef readonly bint bot
    cdef readonly bytes shared, private, name, kept

cdef bytes _kind(agent, share)
cdef bytes _name(agent)

cdef class Browsers:
    cdef Agents _agents
    cdef AllowedHeaders _headers
    cdef bint _with_language
    cdef tuple _known, _unknown, _names
    cdef Remembered _remembered
    @cython.locals(
        values=list, size=Py_ssize_t, known=Py_ssize_t, value=bytes, name=bytes, given=tuple
    )
    cpdef Browser of(self, RequestHead head, bytes user_agent, bytes language)
    cpdef Browser _told(self, tuple given)
