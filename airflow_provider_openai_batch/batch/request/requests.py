"""The requests of a block of rows: their names, and the lines of an input file."""

from __future__ import annotations

import hashlib
from binascii import hexlify
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.batch.text.json_texts import encode
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ID_DIGITS

if TYPE_CHECKING:
    import numpy.typing as npt

    Places = npt.NDArray[np.int64]
    Bytes = npt.NDArray[np.uint8]

START, END = b'{"custom_id":"', b"}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of some rows, in the order of the rows.

    Equal requests have equal ids, in this run and in any other: so duplicate rows share a request, and a
    retry knows what it has asked. An id is the first half of the SHA-256 of endpoint and body, 16 bytes that
    are sent as 32 hex digits.
    """

    endpoint: str
    head: bytes  #: what every body begins with
    rests: list[bytes]  #: the rest of each body
    ids: Bytes  #: 16 bytes a row

    def take(self, places: Places) -> Requests:
        """Return the requests at these places, each greater than the one before."""
        if len(places) == len(self.rests):
            return self
        rests = [self.rests[place] for place in places.tolist()]
        return Requests(endpoint=self.endpoint, head=self.head, rests=rests, ids=self.ids[places])

    @property
    def sizes(self) -> Places:
        """Return the length of each line in bytes."""
        fixed = len(START) + ID_DIGITS + len(self._middle) + len(END)
        return np.fromiter(map(len, self.rests), np.int64, len(self.rests)) + fixed

    def lines(self) -> bytes:
        """Write the lines of an input file, one after another."""
        count = len(self.rests)
        parts = [END + START] * (4 * count + 1)
        parts[1::4] = np.frombuffer(hexlify(self.ids.tobytes()), f"S{ID_DIGITS}").tolist()
        parts[2::4] = [self._middle] * count
        parts[3::4] = self.rests
        parts[0], parts[-1] = START, END
        return b"".join(parts) if count else b""

    @property
    def _middle(self) -> bytes:
        return b'","method":"POST","url":%b,"body":%b' % (encode(self.endpoint), self.head)


def name_requests(endpoint: str, head: bytes, rests: list[bytes]) -> Requests:
    """Name requests by their content; what all of them begin with is hashed once."""
    begun = hashlib.sha256(b"%b\n%b" % (endpoint.encode(), head))
    digests = []
    for rest in rests:
        whole = begun.copy()
        whole.update(rest)
        digests.append(whole.digest())
    ids = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, begun.digest_size)[:, :ID_BYTES]
    return Requests(endpoint=endpoint, head=head, rests=rests, ids=np.ascontiguousarray(ids))
