"""The pages' templates: what is put in is escaped, and a name that is missing is an error."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """Make it, with the templates of this package."""
    return Environment(
        loader=PackageLoader("ingest.http"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(name: str, **values: object) -> str:
    """Return what the template makes of `values`, as HTML."""
    return environment().get_template(name).render(values)
