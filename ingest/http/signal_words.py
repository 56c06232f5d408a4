"""What the browser's privacy signals do here, in words."""

from ingest.config import Signal

GPC = "Global Privacy Control"
DNT = "Do Not Track"
_DOES = {
    Signal.SHARE: "your visits are counted, and kept from partners",
    Signal.DROP: "your visits are not stored at all",
    Signal.IGNORE: "it changes nothing on this server",
}


def does(meaning: Signal) -> str:
    """What a signal of this meaning does, as the end of a sentence."""
    return _DOES[meaning]
