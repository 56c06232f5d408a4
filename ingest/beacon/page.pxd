# C types of page.py.
cimport cython

from ingest.beacon.event_text cimport EventText
from ingest.beacon.hit cimport RequestHead
from ingest.beacon.sanitise cimport clean, is_harmless
from ingest.beacon.url cimport PageUrls, is_clean

cdef Py_ssize_t _URL, _REFERRER, _TITLE, _LIMIT, REFERER

cdef class PageWriter:
    cdef EventText _text
    cdef list _truncated
    @cython.locals(text=EventText, truncated=list)
    cpdef put(self, list values, RequestHead head, PageUrls urls, list dropped)
    @cython.locals(text=EventText)
    cdef _put_url(self, bytes key, str name, value, PageUrls urls, list dropped)
    @cython.locals(text=EventText)
    cdef _put_title(self, value, list dropped)
