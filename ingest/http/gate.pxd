# C types of gate.py.
cimport cython

from ingest.beacon.hit cimport Hit, hit_of
from ingest.http.beacon_routes cimport RouteOf, is_plain, takes
from ingest.http.counts cimport RequestCounts
from ingest.http.head cimport Head, parse_head
from ingest.http.in_flight cimport InFlight, cost
from ingest.http.shared cimport Shared

cdef object _HEAD, _BODY, _ANSWER, _CLOSING, _GONE
cdef bytes _HEAD_END, _CRLF, _CLOSE, _KEEP
cdef unsigned char _CR
cdef double _NEVER
cdef Py_ssize_t WAITING

cdef class Gate:
    cdef Shared _shared
    cdef RequestCounts _counts
    cdef object _beacons, _peer, _phase, _route
    cdef RouteOf _route_of
    cdef InFlight _in_flight
    cdef Head _head
    cdef bytes _raw
    cdef Py_ssize_t _at, _max_body, _max_head, _max_headers, _max_line, _swallowed, _least, _held
    cdef double _idle_timeout
    cdef bint _ended, _fast_lane, _head_only, _keep, _old, _working
    cdef object _time
    cdef readonly object _transport
    cdef readonly bytes _buffer
    cdef readonly bint _reading, _writable
    cdef public double deadline
    cpdef data_received(self, data)
    cdef _advance(self)
    cdef _resume_reading(self)
    @cython.locals(data=bytes, begin=Py_ssize_t, end=Py_ssize_t, left=Py_ssize_t, raw=bytes, head=Head)
    cdef bint _take_head(self) except -1
    cdef _check_partial(self, bytes data, Py_ssize_t begin)
    cdef _take(self, Head head, bytes raw)
    @cython.locals(head=Head, end=Py_ssize_t, body=bytes, hit=Hit)
    cdef bint _take_body(self) except -1
    cdef _swallow(self, data)
    @cython.locals(connection=bytes, keep=bint, last=bint)
    cpdef _answer(self, answer)
    cdef _await_head(self)
    cdef _refuse_head(self, refusal)
    cdef _refuse_body(self, status, str detail)
    cdef _refuse(self, answer)
    cdef _close(self)
    cdef _hand_over(self, bytes rest)
    cdef _hold(self, Py_ssize_t size)
    cdef bint _body_is_to_come(self, Head head) except -1
    cdef _turn_away(self, Head head)
