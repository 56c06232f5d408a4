"""Our own pages: plain HTML, nothing from anywhere else."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus

from ingest.http.reply import NO_STORE, NOSNIFF, Header, Reply, reply
from ingest.outcome import Outcome, Route

_STYLE = (
    ":root{color-scheme:light dark;background:Canvas;color:CanvasText}"
    "body{background:Canvas;font:1rem/1.5 system-ui,sans-serif}"
    "body{max-width:40rem;margin:3rem auto;padding:0 1rem}"
    "button,input{box-sizing:border-box;max-width:100%;font:inherit;padding:.5rem 1rem}"
    "button,input{margin:.25rem 0}"
    "code,dd,dt{overflow-wrap:anywhere}"
    "footer{margin-top:3rem;border-top:1px solid}"
    "nav a{display:inline-block;padding:.5rem 1rem .5rem 0}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid}"
)
_POLICY = (
    "default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_LINKS = " ".join(
    f'<a href="{path}">{text}</a>'
    for path, text in (
        ("/", "Home"),
        ("/demo", "Widgets"),
        ("/opt-out", "Opt out"),
        ("/privacy", "Privacy"),
    )
)
SCRIPTS = "; script-src 'self'; connect-src 'self'"
"""Added to the policy of a page with scripts: files of this server, and what these ask of it."""


def page(title: str, body: str) -> str:
    """Return a whole page; `title` and `body` are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main>"
        f'<footer><nav aria-label="This server">{_LINKS}</nav></footer></body></html>\n'
    )


def page_reply(
    html: str,
    headers: tuple[Header, ...] = (),
    more_policy: str = "",
    status: int = HTTPStatus.OK,
    route: Route = Route.PAGE,
    outcome: Outcome = Outcome.PAGE,
) -> Reply:
    """Answer with a page. `same-origin`, or browsers would send its form with `Origin: null`."""
    fixed: tuple[Header, ...] = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _POLICY.format(digest=_digest(_STYLE)) + more_policy),
        ("Referrer-Policy", "same-origin"),
        NO_STORE,
        NOSNIFF,
    )
    return reply(status, (*fixed, *headers), html.encode(), route, outcome)


def asks_for_page(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser shows the answer to somebody, who is then told in words what is wrong.

    Programs take anything, or name what they take; so do scripts and images.
    """
    return b"text/html" in headers.get(b"accept", b"").lower()


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
