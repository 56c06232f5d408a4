"""How hard lz4 compresses: aiokafka takes level 9, has no option, and does it on the event loop.

A batch of 125 events, each µs and bytes an event: level 9 3.8 and 137, level 2 0.5 and 168, level 1
0.3 and 188. In a server level 2 costs more than that: it fills some 200 kB of tables anew for each
batch, which drive all else out of the processor's caches. Readers need not know.
"""

from functools import partial

from aiokafka.codec import lz4_encode
from aiokafka.record import _crecords, default_records

LEVEL = 1


def compress_quickly() -> None:
    """Have aiokafka's record builders, in C and in Python, use `LEVEL`. For the whole process."""
    for module in (_crecords.default_records, default_records):
        module.lz4_encode = partial(lz4_encode, level=LEVEL)
