# C types of site.py.
cdef Py_ssize_t _LONGEST

cpdef site_name(value)
cpdef event_name(value)
