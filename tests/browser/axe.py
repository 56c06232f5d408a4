"""axe-core, which looks for what keeps people out of a page."""

from functools import cache
from pathlib import Path

from playwright.async_api import Page

_SCRIPT = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = ("serious", "critical")


async def grave(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a page as it stands, and where."""
    await page.evaluate(_source())
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in _GRAVE
        for node in rule["nodes"]
    ]


@cache
def _source() -> str:
    assert _SCRIPT.exists(), "axe-core is missing: tests/setup.sh test brings it"
    return _SCRIPT.read_text(encoding="utf-8")
