"""Measurements of the server, beside others that do a part of the same work."""
