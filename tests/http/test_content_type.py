"""What is taken at a glance is what the rule takes."""

import pytest

from ingest.http import content_type
from tests.support.heads import head_of
from tests.support.interpreted import interpreted

PLAIN = interpreted("ingest.http.content_type")


@pytest.mark.parametrize("module", [content_type, PLAIN], ids=["compiled", "interpreted"])
def test_the_usual_types_are_taken_by_the_rule_too(module, monkeypatch):
    monkeypatch.setattr(module, "USUAL", frozenset())
    for value in content_type.USUAL:
        assert PLAIN.refusal(head_of({b"content-type": value})) is None


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({b"content-type": b""}, True),
        ({b"content-type": b"text/plain;charset=UTF-8"}, True),
        ({b"content-type": b" Application/JSON ; charset=utf8"}, True),
        ({b"content-type": b"text/html"}, False),
        ({b"content-type": b"text/plain;charset=latin1"}, False),
        ({b"content-encoding": b"gzip"}, False),
        ({b"content-encoding": b"", b"content-type": b"text/plain"}, False),
    ],
)
def test_a_body_is_taken_by_its_type_and_without_an_encoding(headers, taken):
    for module in (content_type, PLAIN):
        assert (module.refusal(head_of(headers)) is None) is taken
