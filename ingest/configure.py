"""Reads the configuration: a TOML file, then `BEACON_…` variables, then flags; later ones win."""

import json
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ingest.config import ENV_PREFIX, ENV_SEPARATOR, Config, Section

Tree = dict[str, Any]


class ConfigError(Exception):
    """The configuration cannot be used; every line of the message names an option and says why."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option as documentation and help show it."""

    name: str
    """Dotted, as in `--set http.port=80`: `http.port`."""
    type: str
    default: str
    help: str
    text: bool
    """Whether a value is text as it stands; otherwise it is read as JSON where it can be."""

    @property
    def env(self) -> str:
        """The environment variable's name: `BEACON_HTTP__PORT`."""
        return ENV_PREFIX + self.name.replace(".", ENV_SEPARATOR).upper()


def options() -> Iterator[Option]:
    """Every option in the order of declaration, sections flattened."""
    for name, info in Config.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            for inner, inner_info in info.annotation.model_fields.items():
                yield _option(f"{name}.{inner}", inner_info)
        else:
            yield _option(name, info)


def load(
    file: Path | None, environment: Mapping[str, str], flags: Sequence[tuple[str, str]]
) -> Config:
    """Merge the three sources, each over the one before, and check the result.

    `flags` are pairs of a dotted option name and its value as typed. Raises `ConfigError`.
    """
    known = {option.name: option for option in options()}
    tree = _from_file(file) if file is not None else {}
    in_file = set(_names(tree))
    problems: list[str] = []
    for name, text in _assignments(environment, flags, known, problems):
        _assign(tree, name, _value(text, known[name]))
        in_file.discard(name)
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        return Config(**tree)
    except ValidationError as error:
        said = (f"{file}: {line}" if name in in_file else line for name, line in _explain(error))
        raise ConfigError("\n".join(said)) from None


def _assignments(
    environment: Mapping[str, str],
    flags: Sequence[tuple[str, str]],
    known: Mapping[str, Option],
    problems: list[str],
) -> Iterator[tuple[str, str]]:
    by_env = {option.env: option.name for option in known.values()}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENV_PREFIX):
            continue
        if variable in by_env:
            yield by_env[variable], text
        else:
            problems.append(f"{variable}: no such option{_nearest(variable, by_env)}")
    for name, text in flags:
        if name in known:
            yield name, text
        else:
            problems.append(f"{name}: no such option{_nearest(name, known)}")


def _nearest(name: str, names: Mapping[str, Any]) -> str:
    import difflib  # only on the way to an error

    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _from_file(file: Path) -> Tree:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from None


def _names(tree: Tree, prefix: str = "") -> Iterator[str]:
    """What a tree gives a value to, dotted, as options are named."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _value(text: str, option: Option) -> Any:
    """Read a value from the environment or a flag: JSON where the option is not plain text."""
    if option.text:
        return text
    if option.type.startswith("list") and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return text  # the check of the type then names the option


def _assign(tree: Tree, name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            return  # the file has a plain value where a table belongs; the check names it
        tree = inner
    tree[last] = value


def _explain(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Each option that is wrong, and the line that says why."""
    names = [option.name for option in options()]
    said: set[str] = set()
    for problem in error.errors(include_url=False, include_context=False):
        # Behind a list's index come pydantic's own words for the members of a union.
        parts = [str(part) for part in problem["loc"]]
        ends = [at for at, part in enumerate(parts) if part.isdigit()]
        option = ".".join(parts[: ends[0]] if ends else parts)
        name = ".".join(parts[: ends[0] + 1] if ends else parts) or "configuration"
        if problem["type"] == "extra_forbidden":
            yield option, f"{name}: no such option{_nearest(name, dict.fromkeys(names))}"
        elif name not in said:
            said.add(name)
            yield option, f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def _option(name: str, info: FieldInfo) -> Option:
    kind = _type_name(info.annotation)
    return Option(
        name=name,
        type=kind,
        default=_shown(info.default),
        help=(info.description or "").strip(),
        text=not kind.startswith(("int", "float", "bool", "list")),
    )


def _type_name(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        parts = [part for part in typing.get_args(annotation) if part is not types.NoneType]
        return " or ".join(dict.fromkeys(_type_name(part) for part in parts))
    if origin is typing.Annotated:
        return _type_name(typing.get_args(annotation)[0])
    if origin is tuple:
        return f"list of {_type_name(typing.get_args(annotation)[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(member.value for member in annotation)
    names = {"str": "text", "Path": "path", "SecretStr": "secret", "IPv4Network": "network"}
    name = annotation.__name__
    return names.get(name, "network" if name == "IPv6Network" else name)


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, SecretStr):
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return json.dumps([str(item) for item in default])
    return str(default)
