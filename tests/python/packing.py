"""Packs bytes as raw objects come: plain, gzip or Zstandard, whole or in parts."""

import gzip
from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa
from hypothesis import strategies as st


def gzip_member(data: bytes) -> bytes:
    """Pack data as one gzip member, without the time."""
    return gzip.compress(data, compresslevel=1, mtime=0)


def zstd_frame(data: bytes) -> bytes:
    """Pack data as one Zstandard frame."""
    # Arrow's codec makes nothing of nothing; an empty frame is nothing all the same.
    return pa.compress(data, codec="zstd", asbytes=True) if data else b""


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip_member,
    "zstd": zstd_frame,
}


@st.composite
def packed(draw: st.DrawFn, data: bytes) -> bytes:
    """Pack data by any means, cut at any places.

    Members and frames end where it pleases their writer: in the middle of a row, of a
    value, of a character.
    """
    pack = PACKERS[draw(st.sampled_from(sorted(PACKERS)))]
    places = draw(st.lists(st.integers(0, len(data)), max_size=3))
    cuts = sorted({0, len(data), *places})
    return b"".join(pack(data[a:b]) for a, b in pairwise(cuts)) or pack(data)
