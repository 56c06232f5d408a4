"""What a ping means: pure steps from a request to an anonymised event, without I/O or a clock."""
