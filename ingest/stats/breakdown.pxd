# C types of breakdown.py.
cimport cython

from ingest.stats.heavy_hitters cimport HeavyHitters
from ingest.stats.uniques cimport Uniques

cdef Py_ssize_t _FOLD_MORE

cdef class Audience:
    cdef public list rows
    cdef public Uniques folded
    cdef public tuple lists
    cdef public HeavyHitters names
    @cython.locals(rows=list)
    cpdef add(self, tuple visit)
    cpdef add_name(self, str name, long long visitor)
    cpdef fold(self)
    cpdef merge(self, Audience other)
    cdef _counters(self)

@cython.locals(
    visitors=dict, row=tuple, number=cython.longlong, numbers=list, known=list, known_numbers=list,
)
cdef _fold(list rows, Py_ssize_t column, HeavyHitters hitters)
