"""The load generator: pings at a rate kept by the clock, or as many as a server takes."""
