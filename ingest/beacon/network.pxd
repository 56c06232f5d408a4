# C types of network.py.
cimport cython

@cython.locals(
    dots=Py_ssize_t, dot=Py_ssize_t, digits=Py_ssize_t, number=Py_ssize_t, at=Py_ssize_t,
    char=Py_UCS4,
)
cdef Py_ssize_t _last_dot(str address)

cpdef str anonymise(str address)

cpdef str parsed_network(str address)

cdef str _plain_ipv6(str address)

cdef bytes _given(dict headers, bytes name)

cdef class TrustedProxies:
    cdef tuple _v4, _v6
    cpdef str client(self, peer, dict headers)
