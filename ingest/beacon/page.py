"""The page in an event: its address, the one before it, its title."""

from ingest.beacon.event_text import EventText
from ingest.beacon.fields import NUMBER, TITLE_LIMIT
from ingest.beacon.hit import RequestHead
from ingest.beacon.known import REFERER
from ingest.beacon.sanitise import clean, is_harmless
from ingest.beacon.url import PageUrls, is_clean

_URL, _REFERRER, _TITLE = NUMBER["url"], NUMBER["referrer"], NUMBER["title"]
_LIMIT = TITLE_LIMIT  # as a C integer


class PageWriter:
    """Writes the pages of events, one after another."""

    __slots__ = ("_text", "_truncated")

    def __init__(self, text: EventText) -> None:
        self._text = text
        self._truncated: list[str] = []

    def put(
        self,
        values: list[object],
        head: RequestHead,
        urls: PageUrls,
        dropped: list[str],
    ) -> object:
        """Write `url`, `referrer` and `title`, cleaned, and name what was cut.

        Returns the page's address as it is written, bytes or a string, or None.
        """
        text, truncated = self._text, self._truncated
        if truncated:
            truncated.clear()
        address, value = None, values[_URL]
        if value is not None:
            address = self._put_url(b',"url":', "url", value, urls, dropped)
        if address is not None:
            text.put(b',"url_source":"field"')
        elif referer := head.value(REFERER):
            address = self._put_url(b',"url":', "url", referer, urls, [])
            if address is not None:
                text.put(b',"url_source":"referer"')
        value = values[_REFERRER]
        if value is not None:
            self._put_url(b',"referrer":', "referrer", value, urls, dropped)
        value = values[_TITLE]
        if value is not None:
            self._put_title(value, dropped)
        if truncated:
            text.put(b',"truncated":')
            text.put_value(truncated)
        return address

    def _put_url(
        self, key: bytes, name: str, value: object, urls: PageUrls, dropped: list[str]
    ) -> object:
        text = self._text
        if type(value) is bytes:
            if is_clean(value):
                text.put(key)
                text.put_quoted(value, 0, len(value))
                return value
            value = value.decode("utf-8", "replace")
        page = urls.clean(value) if isinstance(value, str) else None
        if page is None:
            dropped.append(name)
            return None
        text.put(key)
        text.put_text(page.value)
        if page.truncated:
            self._truncated.append(name)
        return page.value

    def _put_title(self, value: object, dropped: list[str]) -> None:
        text = self._text
        if type(value) is bytes:
            if is_harmless(value, _LIMIT):
                text.put(b',"title":')
                text.put_quoted(value, 0, len(value))
                return
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            dropped.append("title")
            return
        title = clean(value, TITLE_LIMIT)
        if title.value:
            text.put(b',"title":')
            text.put_text(title.value)
        if title.truncated:
            self._truncated.append("title")
