"""Our BLAKE2b gives what hashlib's gives, compiled and not, and forgets a key when it turns."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.beacon import blake2b
from ingest.beacon.blake2b import KeyedHash
from tests.support.interpreted import interpreted

PLAIN = interpreted("ingest.beacon.blake2b")
_KEY = bytes(range(32))
_EDGES = (0, 1, 63, 64, 127, 128, 129, 255, 256, 257, 384)
keys = st.binary(min_size=1, max_size=64)
pieces = st.lists(
    st.binary(max_size=300) | st.sampled_from(_EDGES).flatmap(lambda n: st.binary(max_size=n)),
    max_size=5,
)


def _expected(key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(message, key=key, digest_size=4).digest(), "big")


def _number(hashed: KeyedHash, *message: bytes) -> int:
    hashed.begin()
    for piece in message:
        hashed.put(piece, 0, len(piece))
    return hashed.number()


@pytest.mark.parametrize("module", [blake2b, PLAIN], ids=["compiled", "interpreted"])
@pytest.mark.parametrize("key_size", [1, 32, 63, 64])
def test_lengths_around_a_blocks(module, key_size):
    hashed, key = module.KeyedHash(), bytes(range(key_size))
    hashed.turn(key)
    for size in _EDGES:
        message = bytes(at % 251 for at in range(size))
        for at in (0, 1, size // 2, size):
            assert _number(hashed, message[:at], message[at:]) == _expected(key, message)


@given(st.lists(st.tuples(keys, st.lists(pieces, max_size=3)), max_size=3))
def test_messages_in_pieces_under_key_after_key(days):
    both = KeyedHash(), PLAIN.KeyedHash()
    for key, messages in days:
        for hashed in both:
            hashed.turn(key)
            for message in messages:
                assert _number(hashed, *message) == _expected(key, b"".join(message))


@given(st.binary(max_size=200), st.integers(-3, 203), st.integers(-3, 203))
def test_nothing_is_hashed_that_is_not_there(data, begin, end):
    for hashed in (KeyedHash(), PLAIN.KeyedHash()):
        hashed.turn(_KEY)
        hashed.begin()
        if 0 <= begin <= end <= len(data):
            hashed.put(data, begin, end)
            assert hashed.number() == _expected(_KEY, data[begin:end])
        else:
            with pytest.raises(IndexError):
                hashed.put(data, begin, end)
            assert hashed.number() == _expected(_KEY, b"")


@given(st.binary(max_size=140), st.integers(0, 2**64 - 1))
def test_sizes_are_hashed_in_decimal(before, size):
    for hashed in (KeyedHash(), PLAIN.KeyedHash()):
        hashed.turn(_KEY)
        hashed.begin()
        hashed.put(before, 0, len(before))
        hashed.put_size(size)
        assert hashed.number() == _expected(_KEY, before + b"%d " % size)


def test_a_message_begun_anew_forgets_what_was_put():
    hashed = KeyedHash()
    hashed.turn(_KEY)
    hashed.begin()
    hashed.put(bytes(200), 0, 200)
    assert _number(hashed, b"other") == _expected(_KEY, b"other")


@pytest.mark.parametrize("size", [0, 65])
def test_a_key_has_a_length(size):
    for hashed in (KeyedHash(), PLAIN.KeyedHash()):
        with pytest.raises(ValueError, match="1 to 64"):
            hashed.turn(bytes(size))


def test_nothing_is_hashed_of_nothing():
    hashed = KeyedHash()
    with pytest.raises(TypeError):
        hashed.turn(None)
    hashed.turn(_KEY)
    with pytest.raises(TypeError):
        hashed.put(None, 0, 0)


def test_an_old_key_leaves_nothing_behind():
    turned, fresh = PLAIN.KeyedHash(), PLAIN.KeyedHash()
    turned.turn(bytes(range(64)))
    _number(turned, bytes(range(200)))
    for hashed in (turned, fresh):
        hashed.turn(_KEY)
    assert vars(turned) == vars(fresh)
    assert turned._block == [0] * 128


def test_the_rfcs_own_example():
    """RFC 7693, appendix A: BLAKE2b-512 of "abc", which has no key and a longer digest.

    By the same source, where the interpreter lets us see the state.
    """
    hashed = PLAIN.KeyedHash()
    hashed._state = [PLAIN._IV[0] ^ 0x0101_0040, *PLAIN._IV[1:]]
    hashed.put(b"abc", 0, 3)
    hashed._pad()
    hashed._compress(3, True)
    digest = b"".join(word.to_bytes(8, "little") for word in hashed._state)
    assert digest.hex() == (
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    )


# Made with hashlib once: so that a change of both would show.
@pytest.mark.parametrize(
    ("message", "number"),
    [
        (b"", 0x598E_B662),
        (b"abc", 0x28DF_6EED),
        (bytes(128), 0x59F8_C132),
        (bytes(129), 0xCB75_54E8),
    ],
)
def test_numbers_that_were_given_out(message, number):
    hashed = KeyedHash()
    hashed.turn(_KEY)
    assert _number(hashed, message) == number
