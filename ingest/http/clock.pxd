# C types of clock.py.
cpdef now()
