# C types of sorted_array.py.
cimport cython
from cpython.array cimport array as Array

@cython.locals(
    low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, numbers="Array[unsigned int]",
    found=cython.uint,
)
cpdef Py_ssize_t vacancy(Array members, unsigned int number) except -2
@cython.locals(
    low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, numbers="Array[unsigned long long]",
    found=cython.ulonglong,
)
cpdef Py_ssize_t wide_vacancy(Array members, unsigned long long number) except -2
