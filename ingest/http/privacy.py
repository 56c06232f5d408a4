"""The page on privacy: what this server keeps, as it is configured."""

from collections.abc import Iterable, Iterator
from html import escape

from ingest.beacon.consent import OPTOUT_COOKIE
from ingest.beacon.headers import VALUE_LIMIT
from ingest.beacon.hit import Hit
from ingest.beacon.visitor import UID_COOKIE
from ingest.config import LONGEST_DAYS, Config, Privacy, VisitorMode
from ingest.http.cookies import HERE_COOKIE, MAX_AGE, READ_COOKIE, READ_MAX_AGE
from ingest.http.event_fields import event_fields, rejected_fields
from ingest.http.opt_out_page import PATH_OUT
from ingest.http.page import page, page_reply
from ingest.http.reply import Reply
from ingest.http.signal_words import DNT, GPC, does
from ingest.http.templates import render

PATH_PRIVACY = "/privacy"
_TITLE = "Privacy"
_DAY = 86_400
_OTHER_PLACES = ("country", "region", "city")


class PrivacyPage:
    """Made once, from the configuration in force."""

    def __init__(self, config: Config) -> None:
        parts = "".join(f"<h2>{title}</h2>{body}" for title, body in _sections(config))
        self._reply = page_reply(page(_TITLE, _INTRODUCTION + parts))

    async def show(self, _hit: Hit) -> Reply:
        """`GET /privacy`."""
        return self._reply


_INTRODUCTION = (
    "<p>This page is written by the server from the settings that it runs with.</p>"
    "<p>Sites carry its widgets: a badge, or a script. When you look at such a site, your browser "
    "asks this server for the badge or sends it an event. From that it counts visits, and how many "
    "people are online. It does not keep your address, and never learns what you type or "
    "copy.</p>"
)


def _sections(config: Config) -> Iterator[tuple[str, str]]:
    """Titles and bodies."""
    yield "Who answers for it", _operator(config.privacy)
    yield "If you do not want to be counted", _choice(config)
    yield "Your address", _address(config)
    yield "How visitors are told apart", _visitor(config)
    yield "Cookies", _cookies(config)
    yield "What is kept of an event", _event(config)
    yield "Request headers", _headers(config)
    yield "How long, and where", _keeping(config)
    yield "Who else gets it", _partners(config)


def _operator(privacy: Privacy) -> str:
    if privacy.operator is None and privacy.contact is None:
        return "<p>Whoever runs this server has not named themselves here: ask the site.</p>"
    operator = "" if privacy.operator is None else f"<p>{escape(privacy.operator)}</p>"
    if privacy.contact is None:
        return operator
    contact = render("contact.html", contact=privacy.contact)
    return f"{operator}<p>Questions go to {contact}.</p>"


def _choice(config: Config) -> str:
    return (
        f'<p>You can <a href="{PATH_OUT}">opt out</a>. Then nothing is stored of a visit with '
        "which your browser sends us that choice: no event, no number, no line of a log.</p>"
        f"<p>Your browser may also say what you want. When it sends {GPC} "
        f"(<code>Sec-GPC</code>), {does(config.signals.gpc)}. When it sends {DNT} "
        f"(<code>DNT</code>), {does(config.signals.dnt)}.</p>"
    )


def _address(config: Config) -> str:
    place = (
        "<p>No place is looked up.</p>"
        if config.geo.database is None
        else "<p>Country, and region and city as far as they are known, are looked up for the "
        "shortened address, in a database on this server.</p>"
    )
    return (
        "<p>It is shortened before anything else is done with it: the last number of an IPv4 "
        "address becomes zero (<code>192.0.2.1</code> becomes <code>192.0.2.0</code>), of an IPv6 "
        "address the first 48 bits stay (<code>2001:db8:1:2::3</code> becomes "
        "<code>2001:db8:1::</code>). The whole address is never stored, logged or passed on.</p>"
        f"{place}"
    )


def _visitor(config: Config) -> str:
    by_hash = (
        "<p>By a number made from the site, the shortened address, and what the browser says of "
        "itself and its languages, with a secret key. The key is replaced each day (UTC) and the "
        "old one destroyed: from then on nobody, this server included, can make the number again "
        "or tell whose it was. On another site, or another day, you have another number.</p>"
    )
    if config.visitor.mode is VisitorMode.HASH:
        return by_hash
    return (
        f"{by_hash}<p>The number of your first visit to a site is then kept in a cookie "
        f"(<code>{UID_COOKIE}</code>), where your browser takes it, so that a later visit to that "
        "site, also on another day or from another network, has the same number. "
        "Browsers keep such a cookie for each site apart; old ones do not, and give all sites the "
        "same. It goes at your first visit after opting out.</p>"
    )


def _cookies(config: Config) -> str:
    rows = [
        (OPTOUT_COOKIE, "set when you opt out, and at no other time; holds only <code>1</code>",
         MAX_AGE),
        (HERE_COOKIE, "set beside it when you opt out on one site with the site's own button",
         MAX_AGE),
    ]  # fmt: skip
    if config.visitor.mode is VisitorMode.COOKIE:
        rows.append(
            (UID_COOKIE, "the visitor's number, for each site apart (Partitioned)", MAX_AGE)
        )
    if config.sites.file is not None:
        about = (
            "and a site's name: set when you open that site's page here with its token, to read "
            "numbers that are not public; holds a number made from the token, not the token"
        )
        rows.append((READ_COOKIE, about, READ_MAX_AGE))
    listed = _definitions((name, f"{about}; {age // _DAY} days") for name, about, age in rows)
    none = (
        "<p>A visit that is counted sets none.</p>"
        if config.visitor.mode is VisitorMode.HASH
        else ""
    )
    return (
        f"{none}{listed}<p>The script keeps one thing in the site's own storage, and only when you "
        "opt out there: <code>beacon.optout</code>.</p>"
    )


def _event(config: Config) -> str:
    kept = ", ".join(f"<code>{escape(name)}</code>" for name in config.url.keep_params)
    parameters = f"these query parameters: {kept}" if kept else "no query parameters"
    if config.sites.file is not None:
        parameters += ", or in place of them those that a site's owner has named"
    return (
        "<p>Of the addresses of pages the part after <code>#</code>, user names and passwords are "
        f"cut off, and the query but for {parameters} (* stands for any ending). What looks like a "
        "mail address is taken out of addresses and titles. Each event has, as far as known:</p>"
        f"<dl>{event_fields(_unused(config))}</dl>"
        "<p>An event that is malformed is not counted. So that its sender can mend it, this is "
        f"kept of it:</p><dl>{rejected_fields(_unused(config))}</dl>"
    )


def _unused(config: Config) -> set[str]:
    """Fields that stay empty the way this server is configured."""
    unused: set[str] = set()
    if config.geo.database is None:
        unused.update(_OTHER_PLACES)
    if not config.headers.allow:
        unused.add("headers")
    if config.sites.file is None:
        unused.add("origin")
    return unused


def _headers(config: Config) -> str:
    read = (
        "<p>Browser, system and device are told from <code>user-agent</code>, a badge's page from "
        "<code>referer</code>; what is not listed here is not kept itself.</p>"
    )
    if not config.headers.allow:
        return f"<p>None of the headers of your browser's request is kept.</p>{read}"
    listed = "".join(f"<li><code>{escape(name)}</code></li>" for name in config.headers.allow)
    return (
        "<p>Of the headers of your browser's request these are kept, cut at "
        f"{VALUE_LIMIT} characters, and no other:</p><ul>{listed}</ul>{read}"
    )


def _keeping(config: Config) -> str:
    days = LONGEST_DAYS if config.uses_kafka else config.store.retention_days
    return (
        f"<p>An event is deleted after {_days(days)} at the latest. "
        f"{_on_kafka(config) if config.uses_kafka else 'It lies on this server only.'}</p>"
        f"<p>What is kept of a malformed event is deleted after {_days(LONGEST_DAYS)} at the "
        "latest.</p>"
        f"<p>Counts are kept by site: how many visits and visitors there were, and from which "
        "pages, countries and browsers. For that each visit is kept for two days, and some minutes "
        "until it is deleted, in a line with its hour: the page, where the visitor came from, "
        "country, browser, system, device, and a part of the visitor's number. Of each day before "
        "there are lists only: for each page, country and so on how many visits, and a set of such "
        f"parts of visitors' numbers. They are kept for {_days(LONGEST_DAYS)}; then the sums of "
        "each day stay.</p>"
        "<p>The server's own logs hold no addresses, cookies, or events.</p>"
    )


def _on_kafka(config: Config) -> str:
    """The topics' own retention is looked at when the server starts."""
    events, rejected = (escape(config.kafka.topic(name)) for name in ("events", "rejected"))
    return (
        "It is handed to the operator's Kafka, where the topics "
        f"<code>{events}</code> and <code>{rejected}</code> are set to delete by then; while "
        "Kafka cannot be reached it waits on this server's disk, and no longer than that."
    )


def _partners(config: Config) -> str:
    withheld = [
        name
        for name, meaning in ((GPC, config.signals.gpc), (DNT, config.signals.dnt))
        if meaning.value == "share"
    ]
    marked = (
        f" Events of visitors who send {' or '.join(withheld)} are marked "
        "(<code>share</code> is false): no one may pass them on."
        if withheld
        else ""
    )
    return (
        "<p>The site whose page you read sees its counts, which may be public. This server passes "
        f"no events on to partners.{marked}</p>"
    )


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def _definitions(rows: Iterable[tuple[str, str]]) -> str:
    listed = "".join(f"<dt><code>{name}</code></dt><dd>{about}</dd>" for name, about in rows)
    return f"<dl>{listed}</dl>"
