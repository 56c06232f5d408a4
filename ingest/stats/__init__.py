"""Counts from the log, and the pages, badges and API that show the counts."""
