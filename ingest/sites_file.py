"""The sites file (`sites.file`): which sites there are, where they live, who may read their counts.

[sites."example.org"]
origins = ["https://example.org", "https://www.example.org"]
keep_params = ["utm_*", "ref", "page"]
public = true

[sites.internal]
token_sha256 = "…"
"""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from ingest.beacon.origin import origin_of
from ingest.beacon.site import SITE_RULE, site_name
from ingest.beacon.sites import SiteRules, Sites
from ingest.beacon.url import PageUrls
from ingest.config import Config, Origin, ParamName, Section

_BAD_NAME: Final = f"is no site's name: {SITE_RULE}"
_ONE_WAY: Final = "give one of public = true, token and token_sha256"
NO_SITE: Final = "names no site: every ping is rejected"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~-]{16,512}")
"""What stands in a header, a cookie and an address as it is; too long to be found by trying."""


class SitesError(Exception):
    """The file cannot be used; every line of the message names the place and says why."""


class _Entry(Section):
    """One site's table."""

    origins: tuple[Origin, ...] = ()
    """Origins of its pages: `origin` in its events says whether a ping came from one of them."""
    keep_params: tuple[ParamName, ...] | None = None
    """Query parameters kept in its addresses, in place of `url.keep_params`."""
    public: bool = False
    """Whether anyone may read its counts."""
    token: SecretStr | None = None
    """What readers of a private site give."""
    token_sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None
    """The same, kept out of the file: its SHA-256 in hexadecimal."""

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("must be 16 to 512 of A-Z a-z 0-9 . _ ~ -")
        return token

    @model_validator(mode="after")
    def _one_way_to_read(self) -> "_Entry":
        if sum((self.public, self.token is not None, self.token_sha256 is not None)) != 1:
            raise ValueError(_ONE_WAY)
        return self

    def rules(self, keep_params: tuple[str, ...]) -> SiteRules:
        """What holds for the site; `keep_params` are the server's."""
        kept = keep_params if self.keep_params is None else self.keep_params
        return SiteRules(
            PageUrls(kept),
            frozenset(origin_of(origin.encode()) for origin in self.origins),
            self.public,
            self._hash(),
        )

    def _hash(self) -> bytes:
        if self.token is not None:
            return hashlib.sha256(self.token.get_secret_value().encode()).digest()
        return bytes.fromhex(self.token_sha256 or "")


def read_sites(path: Path, keep_params: tuple[str, ...]) -> dict[str, SiteRules]:
    """Read the file; `keep_params` hold where a site has none of its own. Raises `SitesError`."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SitesError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SitesError(f"{path}: is not TOML: {error}") from None
    found: dict[str, SiteRules] = {}
    problems = [f"{path}: {problem}" for problem in _read(tree, keep_params, found)]
    if problems:
        raise SitesError("\n".join(problems))
    return found


def open_sites(config: Config) -> Sites:
    """Return the sites by the configuration. Raises `SitesError`."""
    file, kept = config.sites.file, config.url.keep_params
    return Sites(PageUrls(kept), None if file is None else read_sites(file, kept))


def check_sites(config: Config, file: Path | None) -> int:
    """`ingest sites check`: print what was understood of the file; 0, or 1 with any mistake."""
    path = file or config.sites.file
    if path is None:
        print("ingest: no sites.file is configured: name a file to check", file=sys.stderr)
        return 1
    try:
        found = read_sites(path, config.url.keep_params)
    except SitesError as error:
        print("\n".join(f"ingest: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return 1
    for name, rules in sorted(found.items()):
        print(_described(name, rules))
    print(f"{path}: {len(found)} {'site' if len(found) == 1 else 'sites'}, no mistake found")
    if not found:
        print(f"ingest: warning: {path}: {NO_SITE}", file=sys.stderr)
    return 0


def _read(
    tree: Mapping[str, Any], keep_params: tuple[str, ...], found: dict[str, SiteRules]
) -> Iterator[str]:
    """Put sites into `found`, and return what is wrong with the others."""
    for key in tree:
        if key != "sites":
            yield f'{key}: no such key; sites are tables such as [sites."example.org"]'
    tables = tree.get("sites", {})
    if not isinstance(tables, dict):
        yield 'sites: must hold tables such as [sites."example.org"]'
        return
    for key, table in tables.items():
        name = site_name(key)
        where = f'sites."{key}"'
        if name is None:
            yield f"{where}: {_BAD_NAME}"
        elif name in found:
            yield f"{where}: is there twice; small and capital letters are the same"
        else:
            try:
                found[name] = _Entry.model_validate(table).rules(keep_params)
            except ValidationError as error:
                yield from dict.fromkeys((*_explain(where, error), *_no_one_way(where, table)))


def _explain(where: str, error: ValidationError) -> Iterator[str]:
    """Say what is wrong, never with a value: it may be a token."""
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join((where, *(str(part) for part in problem["loc"])))
        if problem["type"] == "extra_forbidden":
            known = ", ".join(_Entry.model_fields)
            yield f"{place}: no such key (known: {known}); a name with a dot is put in quotes"
        else:
            yield f"{place}: {problem['msg'].removeprefix('Value error, ')}"


def _no_one_way(where: str, table: object) -> Iterator[str]:
    """What `_Entry` says last, and not at all of a table with another mistake."""
    if isinstance(table, dict):
        ways = (table.get("public", False) is not False, "token" in table, "token_sha256" in table)
        if sum(ways) != 1:
            yield f"{where}: {_ONE_WAY}"


def _described(name: str, rules: SiteRules) -> str:
    origins = ", ".join(sorted(origin.decode() for origin in rules.origins))
    read = "public" if rules.public else "read with a token"
    kept = ", ".join(rules.urls.keep_params)
    return f"{name}: {read}; origins: {origins or 'not listed'}; keeps parameters: {kept or 'none'}"
