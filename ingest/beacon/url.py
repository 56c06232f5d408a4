"""Addresses of pages, cut down to what says which page it was."""

import re
from collections.abc import Sequence

from ingest.beacon.percent import decode
from ingest.beacon.sanitise import Text, without_controls, without_mail

URL_LIMIT = 2_048
"""Characters of `url` and `referrer` at most."""
_LONGEST_LOOKED_AT = 65_536
_START = re.compile(r"(https?)://([^/?#\\]*)", re.IGNORECASE)
_HOST_LIMIT = 260
"""Characters of a host and its port: 253 of a name (RFC 1035, 2.3.4), and some to spare."""
_HOST = re.compile(
    r"(?:[^\x00-\x20\x7f\s!\"#$%&'()*+,/:;<=>?@\[\]^`{|}~\\\uff20\ufe6b\uff0f\uff1a]+"
    r"|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)
_IN_HOST = bytes(byte in b"abcdefghijklmnopqrstuvwxyz0123456789.-" for byte in range(256))
_IN_PATH = bytes(0x20 < byte < 0x7F and byte not in b'?#@"\\' for byte in range(256))
_PERCENT, _LETTER_S, _SLASH, _FOUR, _ZERO = b"%s/40"
_SEPARATORS = re.compile(r"[&;]")


class PageUrls:
    """Cleans addresses of pages by the list of query parameters that are kept."""

    def __init__(self, keep_params: Sequence[str]) -> None:
        """A trailing `*` in a name stands for any ending."""
        self.keep_params = tuple(keep_params)
        self._names = frozenset(name for name in keep_params if not name.endswith("*"))
        self._prefixes = tuple(name[:-1] for name in keep_params if name.endswith("*"))

    def clean(self, text: str) -> Text | None:
        """Return the address, or None when it is no absolute http(s) address.

        User info, fragment, and every query parameter that is not kept are cut; what is shaped like
        a mail address becomes `[email]`.
        """
        if is_clean(text.encode("utf-8", "surrogatepass")):
            return tuple.__new__(Text, (text, False))
        return self.cleaned(text)

    def cleaned(self, text: str) -> Text | None:
        """The rule itself: what `clean` returns where it cannot tell at a glance."""
        text = without_controls(text[:_LONGEST_LOOKED_AT]).strip()
        start = _START.match(text)
        if start is None:
            return None
        host = start[2].rpartition("@")[2].lower()
        if len(host) > _HOST_LIMIT or not _HOST.fullmatch(host):
            return None
        rest = text[start.end() :].partition("#")[0]
        path, _, query = rest.partition("?")
        path = without_mail(path)
        if path[:1] not in ("", "/"):  # a backslash, which browsers read as a slash
            path = "/" + path[1:]
        kept = self._kept(query) if query else ""
        url = f"{start[1].lower()}://{host}{path or '/'}{kept}".rstrip()
        return Text(url[:URL_LIMIT].rstrip(), len(url) > URL_LIMIT)

    def _kept(self, query: str) -> str:
        # Cleaned first: a name may be one that is kept only as long as it holds a mail address.
        pairs = [
            pair for pair in map(without_mail, _SEPARATORS.split(query)) if self._keeps(_name(pair))
        ]
        return "?" + "&".join(pairs) if pairs else ""

    def _keeps(self, name: str) -> bool:
        return name in self._names or (bool(self._prefixes) and name.startswith(self._prefixes))


def is_clean(text: bytes) -> bool:
    """Whether an address is certain to be left as it is, as most are: a host's name and a path.

    Such a one is printable ASCII without `"` and backslashes.
    """
    size = len(text)
    if size > URL_LIMIT or not text.startswith((b"https://", b"http://")):
        return False
    begin = at = 8 if text[4] == _LETTER_S else 7
    while at < size and _IN_HOST[text[at]]:
        at += 1
    if not 0 < at - begin <= _HOST_LIMIT or at >= size or text[at] != _SLASH:
        return False
    escaped = at_sign = False
    before = _SLASH
    while at < size:
        byte = text[at]
        if not _IN_PATH[byte]:
            return False
        escaped |= byte == _PERCENT
        at_sign |= byte == _ZERO and before == _FOUR
        before = byte
        at += 1
    return not (escaped and at_sign)


def _name(pair: str) -> str:
    return decode(pair.partition("=")[0])
