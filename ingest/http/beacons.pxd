# C types of beacons.py.
cimport cython

from ingest.beacon.collect cimport Collector
from ingest.beacon.consent cimport has_opted_out
from ingest.beacon.hit cimport Hit
from ingest.beacon.verdict cimport Collected, Verdict
from ingest.http.answers cimport Answers
from ingest.http.content_type cimport refusal
from ingest.http.in_flight cimport InFlight
from ingest.log.accumulator cimport Accumulator
from ingest.log.batch cimport Record, record_of

cdef object _STORED, _DIRECT, _EVENTS

cdef class Beacons:
    cdef Collector _collector
    cdef Accumulator _accumulator
    cdef Answers _answers
    cdef object _offer_rejected, _clock
    cdef bint _durable
    cdef readonly InFlight in_flight
    @cython.locals(collected=Collected, verdict=Verdict)
    cpdef handle(self, Hit hit, done)
    cpdef turn_away(self, Hit hit)
    @cython.locals(record=Record)
    cdef _append(self, Verdict verdict, _Waiting waiting)
    cpdef append_all(self, Collected collected, decided)
    cpdef answer_array(self, Hit hit, list fates)

cdef class _Waiting:
    cpdef decided(self, outcome)

cdef class _Single(_Waiting):
    cdef Answers _answers
    cdef Hit _hit
    cdef Verdict _verdict
    cdef object _done

cdef class _Pixel(_Waiting):
    cdef Answers _answers
    cdef object _done

@cython.locals(waiting=_Pixel)
cdef _Pixel _pixel(Answers answers, done)

cdef class _Item(_Waiting):
    cdef object _tell, _index
