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
_SEPARATORS = re.compile(r"[&;]")


class PageUrls:
    """Cleans addresses of pages by the list of query parameters that are kept."""

    def __init__(self, keep_params: Sequence[str]) -> None:
        """A trailing `*` in a name stands for any ending."""
        self._names = frozenset(name for name in keep_params if not name.endswith("*"))
        self._prefixes = tuple(name[:-1] for name in keep_params if name.endswith("*"))

    def clean(self, text: str) -> Text | None:
        """Return the address, or None when it is no absolute http(s) address.

        User info, fragment, and every query parameter that is not kept are cut; what is shaped like
        a mail address becomes `[email]`.
        """
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


def _name(pair: str) -> str:
    return decode(pair.partition("=")[0])
