"""Facts in little room, for as long as nobody asks for them."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: So much of what was packed first is what all that follows is compared with: most runs say nearly the same.
MOST_COMMON = 8_192
LEVEL = 6
_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {}
_common: list[bytes] = []
_first = threading.Lock()


def pack(facts: Mapping[str, Any], small: Callable[[Any], Any]) -> bytes:
    """Write facts in little room, each as `small` gives it; what is not a fact is left out.

    Only this process can read it.
    """
    kinds: dict[type, dict[str, Any]] = {}
    for key, fact in facts.items():
        if isinstance(fact, msgspec.Struct):
            kinds.setdefault(type(fact), {})[key] = small(fact)
    for kind in kinds:
        _decoders.setdefault(kind.__name__, msgspec.msgpack.Decoder(dict[str, kind]))  # type: ignore[valid-type]
    parts = {kind.__name__: msgspec.msgpack.encode(named) for kind, named in kinds.items()}
    raw = msgspec.msgpack.encode(parts)
    with _first:
        if not _common:
            _common.append(raw[:MOST_COMMON])
    packer = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS, zdict=_common[0])
    return packer.compress(raw) + packer.flush()


def unpack(packed: bytes) -> dict[str, Any]:
    """Read facts that were packed; of nothing there are none."""
    if not packed:
        return {}
    raw = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_common[0]).decompress(packed)
    parts = msgspec.msgpack.decode(raw, type=dict[str, bytes])
    return {key: fact for kind, named in parts.items() for key, fact in _decoders[kind].decode(named).items()}
