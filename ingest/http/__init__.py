"""From the socket to the collector: the gate, the fast lane, the aiohttp lane and the replies."""
