# C types of sanitise.py.
cpdef clean(str text, Py_ssize_t limit)
cpdef str without_controls(str text)
cpdef str without_mail(str text)
