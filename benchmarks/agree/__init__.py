"""Whether our load generator and others find the same."""
