# C types of heavy_hitters.py.
cimport cython

from ingest.stats.uniques cimport Uniques

cdef class Hitter:
    cdef public long long views, before
    cdef public Uniques visitors

cdef class HeavyHitters:
    cdef Py_ssize_t _k
    cdef dict _hitters
    cdef public long long missing
    @cython.locals(hitter=Hitter)
    cpdef add(self, str value, long long views, visitors)
    cpdef put(self, str value, Hitter hitter)
    @cython.locals(
        mine=dict, theirs=dict, missing=cython.longlong, hitter=Hitter, known=Hitter,
        visitors=Uniques,
    )
    cpdef merge(self, HeavyHitters other)
