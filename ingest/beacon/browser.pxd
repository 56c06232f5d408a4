# C types of browser.py.
cimport cython

from ingest.beacon.agent cimport Agents
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.remembered cimport Remembered
from ingest.beacon.scan cimport mixed, same
from ingest.beacon.written cimport fields_text

ctypedef Py_ssize_t* Places

cdef Py_ssize_t _SHORT, _HINTS, _PLACES, _TO_PLACE, USER_AGENT, SEC_CH_UA, SEC_CH_UA_MOBILE, SEC_CH_UA_PLATFORM

cdef class Browser:
    cdef readonly bint bot
    cdef readonly bytes shared, private, name

cdef bytes _kind(agent, share)
cdef bytes _name(agent)

@cython.final
cdef class _Known:
    cdef bytes agent, brands, mobile, platform
    cdef Browser browser

cdef class Browsers:
    cdef Agents _agents
    cdef Remembered _remembered
    cdef list _known
    @cython.locals(
        text=bytes, begins=Places, ends=Places, bits=cython.ulonglong, place=Py_ssize_t,
        known=_Known,
    )
    cpdef Browser of(self, RequestHead head)
    cdef Browser _looked_up(self, RequestHead head, Py_ssize_t place)
    cpdef Browser _told(self, tuple given)
