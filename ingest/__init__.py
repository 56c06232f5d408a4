"""Beacon Ingest: takes in the pings of web widgets and never loses one it has confirmed."""

__version__ = "0.1.0"
