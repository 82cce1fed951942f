"""Secrets at rest: AES-256-GCM, each ciphertext bound to the place where it lies.

A sealed secret is one byte of format, a random nonce of 96 bits, and the ciphertext with its tag.
What it is bound to (table, row, column, version) goes in as associated data, so that a ciphertext
that is moved or put back does not open.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING

from enrico.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"


class WrongKey(Exception):
    """The key does not open this, or it was sealed for another place."""


def new_key() -> bytes:
    """A random key of 256 bits."""
    return secrets.token_bytes(KEY_BYTES)


def read_key(text: str, name: str) -> bytes:
    """The 32 bytes of a key written in base64 or hexadecimal. Raises ConfigError naming *name*."""
    text = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise ConfigError(
        f"{name} is no key of {KEY_BYTES} bytes in base64 or hexadecimal. Make one with: "
        "openssl rand -base64 32"
    )


def _from_base64(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)


def seal(key: bytes, secret: bytes, *place: str | int) -> bytes:
    """Encrypt *secret* for this *place*: table, row, column, version."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + _cipher(key).encrypt(nonce, secret, _bound(place))


def unseal(key: bytes, sealed: bytes, *place: str | int) -> bytes:
    """The inverse of :func:`seal`. Raises WrongKey for another key, place or format."""
    cipher, invalid_tag = _cipher(key), _invalid_tag()
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) < _NONCE_BYTES:
        raise WrongKey
    try:
        return cipher.decrypt(nonce, ciphertext, _bound(place))
    except invalid_tag:
        raise WrongKey from None


def _bound(place: tuple[str | int, ...]) -> bytes:
    return "|".join(map(str, place)).encode()


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


def _cipher(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise ConfigError(
            "Keys kept in the database need an extra package. Install it with: "
            "pip install 'enrico[keys]', or give keys in the environment."
        ) from None
    return AESGCM(key)
