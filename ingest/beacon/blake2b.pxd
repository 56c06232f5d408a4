# C types of blake2b.py. It has pointers, to its own arrays and to `data`: bounds are checked before.
cimport cython

ctypedef unsigned long long Word
ctypedef Word* Words
ctypedef Word[16] Sixteen

cdef Py_ssize_t _BLOCK, _LONGEST_KEY
cdef unsigned char _ZERO, _SPACE
cdef Word _ALL, _PARAMETERS
cdef Word[8] _IV
cdef unsigned char[192] _SIGMA

@cython.final
@cython.auto_pickle(False)
cdef class KeyedHash:
    cdef Word[8] _keyed
    cdef Word[8] _state
    cdef unsigned char[128] _block
    cdef Py_ssize_t _filled
    cdef Py_ssize_t _hashed
    cdef Word _of_nothing

    @cython.locals(size=Py_ssize_t, at=Py_ssize_t)
    cpdef turn(self, bytes key)
    @cython.locals(at=Py_ssize_t)
    cpdef begin(self)
    @cython.locals(
        text=cython.p_const_uchar, block=cython.p_uchar, at=Py_ssize_t, to=Py_ssize_t,
        size=Py_ssize_t, offset=Py_ssize_t,
    )
    cpdef put(self, bytes data, Py_ssize_t begin, Py_ssize_t end)
    @cython.locals(to=Py_ssize_t)
    cdef void _put_byte(self, unsigned char byte) noexcept
    cpdef put_size(self, unsigned long long size)
    cpdef unsigned long long number(self) except? 0
    cdef void _put_digits(self, unsigned long long number) noexcept
    cdef Py_ssize_t _room(self) noexcept
    @cython.locals(at=Py_ssize_t)
    cdef void _pad(self) noexcept
    @cython.locals(first=Word, number=Word)
    cdef Word _first_bytes(self) noexcept
    @cython.locals(
        h=Words, b=cython.p_uchar, v=Sixteen, m=Sixteen, at=Py_ssize_t,
    )
    cdef void _compress(self, Py_ssize_t hashed, bint last) noexcept

@cython.locals(mask=Word, turned=Word)
cdef void _mix(
    Word* v, Py_ssize_t a, Py_ssize_t b, Py_ssize_t c, Py_ssize_t d, Word x, Word y
) noexcept

@cython.locals(word=Word)
cdef Word _word(const unsigned char* block, Py_ssize_t at) noexcept
