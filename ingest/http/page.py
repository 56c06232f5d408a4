"""Our own pages: plain HTML, nothing from anywhere else."""

from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus

from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.outcome import Outcome, Route

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem}"
)
_POLICY = (
    "default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def page(title: str, body: str) -> str:
    """Return a whole page; `title` and `body` are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )


def page_reply(html: str, headers: tuple[Header, ...] = ()) -> Reply:
    """Answer with a page. `same-origin`, or browsers would send its form with `Origin: null`."""
    fixed: tuple[Header, ...] = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _POLICY.format(digest=_digest(_STYLE))),
        ("Referrer-Policy", "same-origin"),
        NO_STORE,
        NOSNIFF,
    )
    return reply(HTTPStatus.OK, (*fixed, *headers), html.encode(), Route.PAGE, Outcome.PAGE)


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
