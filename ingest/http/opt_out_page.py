"""The words of the page for opting out, as HTML. It works without a script."""

from dataclasses import dataclass

from ingest.config import Signal
from ingest.http.cookies import MAX_AGE, Choice
from ingest.http.signal_words import GPC, does

PATH_OUT = "/opt-out"
PATH_IN = "/opt-in"
TITLE = "Opt out of counting"
_DAYS = MAX_AGE // 86_400
_GPC_LINK = f'<a href="https://globalprivacycontrol.org/">{GPC}</a>'
_LAX = (
    "<h2>Without HTTPS</h2>"
    '<p id="lax">This server is reached without HTTPS. The choice you make here is kept for this '
    "address, but browsers will not send it along from other sites, so it does not reach them. "
    f"{GPC} does.</p>"
)
_ELSEWHERE = (
    '<p id="elsewhere">A site may have a button of its own. What you chose with it is kept on that '
    "site and holds there only: it cannot be seen or changed from here.</p>"
)
_COUNTED_AGAIN = "Done: you are counted again, except where you opted out on a single site."
_UNREADABLE = (
    '<p id="unreadable">Your browser keeps its cookies from us here: whether you have opted out '
    "before cannot be seen.</p>"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a request for the page shows."""

    choice: Choice
    signal: bool
    """Global Privacy Control is on."""
    means: Signal
    """What that does here."""
    secure: bool
    """Whether the choice reaches other sites."""
    unreadable: bool
    """The browser says that it keeps cookies from us."""
    pressed: bool
    """The button was pressed just now."""
    wanted_out: bool = False
    """Which button that was."""

    @property
    def opted_out(self) -> bool:
        """Whether our own badge would be answered as opted out, on this page."""
        return self.choice.everywhere or self.choice.here


def body(seen: Seen) -> str:
    """Return the page's body."""
    return (
        f"{_confirmation(seen) if seen.pressed else ''}"
        f'<p id="status"><strong>{_status(seen)}</strong></p>'
        f"{_ELSEWHERE}"
        f"{_UNREADABLE if seen.unreadable and not seen.opted_out else ''}"
        f'<p id="gpc">{_signal(seen)}</p>'
        f"{_button(seen)}"
        f"<p>Your choice is kept in a cookie of this server, which holds nothing but the choice. "
        f"It stays for {_DAYS} days, and each visit that is not counted renews it. With several "
        "browsers or devices, opt out in each.</p>"
        f"{'' if seen.secure else _LAX}"
        f"{_third_parties(seen.means)}"
        "<p>What is kept of a visit that is counted, and for how long: "
        '<a href="/privacy">privacy</a>.</p>'
    )


def refusal() -> str:
    """Return the body of the page that says why a press of the button changed nothing."""
    return (
        '<p role="alert"><strong>Nothing was changed.</strong> The choice can be made with the '
        "button on this server's own page only, so that no other site can make it for you, and "
        "your browser did not say that it came from there.</p>"
        f'<p><a href="{PATH_OUT}">Go to that page</a> and press its button. Browsers say where '
        "they come from unless they are old (Firefox before 70, Edge before 79), or a setting or "
        f"an extension keeps them from it. {_GPC_LINK}, a setting of some browsers, "
        "needs no button.</p>"
    )


def _status(seen: Seen) -> str:
    if seen.choice.everywhere:
        return (
            "You have opted out everywhere: no visit is counted on any site from which your "
            "browser sends us this choice."
        )
    if seen.choice.here:
        return (
            "You have opted out on one site only, this one: no visit is counted on this server's "
            "own pages."
        )
    if seen.signal and seen.means is Signal.DROP:
        return f"You have not opted out here, but no visit of yours is counted: {GPC} is on."
    return (
        "You have not opted out everywhere: your visits are counted, without personal data, "
        "except where you opted out on a single site."
    )


def _confirmation(seen: Seen) -> str:
    """The first thing to be read: the focus is on it, without a script."""
    out = seen.choice.everywhere
    if out != seen.wanted_out:
        words = (
            "Your browser did not keep the choice: it takes no cookies from this server. Allow "
            f"them for this address and press the button again, or turn on {GPC}."
        )
        return f'<p id="done" role="alert" tabindex="-1" autofocus>{words}</p>'
    words = "Done: from now on you are not counted." if out else _COUNTED_AGAIN
    return f'<p id="done" role="status" tabindex="-1" autofocus>{words}</p>'


def _button(seen: Seen) -> str:
    out = seen.choice.everywhere
    action, button = (PATH_IN, "Count my visits again") if out else (PATH_OUT, "Opt out everywhere")
    return f'<form method="post" action="{action}"><button>{button}</button></form>'


def _signal(seen: Seen) -> str:
    if seen.signal:
        return f"Your browser tells us that {GPC} is on: {does(seen.means)}."
    return f"Your browser does not tell us that {GPC} is on."


def _third_parties(means: Signal) -> str:
    return (
        "<h2>If your browser blocks third-party cookies</h2>"
        "<p>On the sites you visit this server is a third party. Where your browser blocks "
        "third-party cookies, or keeps them for each site apart (Safari, Firefox and Brave do so "
        "unless told otherwise, Chrome in its incognito windows), your choice is not sent along "
        "from there. We cannot see it, and your visit is counted like any other. Two things "
        "help:</p>"
        "<ul><li>A site with our script can offer a button of its own. What you choose with it "
        "holds on that site, also where third-party cookies are blocked.</li>"
        f"<li>{_GPC_LINK}, a setting of some browsers, reaches every site "
        f"and needs no cookie. With it on, {does(means)}.</li></ul>"
    )
