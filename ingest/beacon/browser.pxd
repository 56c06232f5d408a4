# C types of browser.py.
cimport cython

from ingest.beacon.agent cimport Agents
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.remembered cimport Remembered
from ingest.beacon.written cimport fields_text

cdef Py_ssize_t _SHORT, _HINTS, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM

cdef class Browser:
    cdef readonly bint bot
    cdef readonly bytes shared, private, name

cdef bytes _kind(agent, share)
cdef bytes _name(agent)

cdef class Browsers:
    cdef Agents _agents
    cdef Remembered _remembered
    @cython.locals(size=Py_ssize_t, brands=bytes, mobile=bytes, platform=bytes, given=tuple)
    cpdef Browser of(self, RequestHead head, bytes user_agent)
    cpdef Browser _told(self, tuple given)
