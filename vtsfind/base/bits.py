"""What a code is: real outputs to bits, bits to bytes, bytes to 64-bit words, and how far two codes are apart.

A bit is 1 where the output is greater than zero; zero and below give 0, so there is no third value. Bits are packed
high bit first: bit 0 of a code is the high bit of byte 0. Codes are padded with zero bits to whole 64-bit words; word
w holds bytes 8w to 8w+7, read as a little-endian number (the order of bits inside a word does not change a Hamming
distance). *Planes* store many codes word by word: plane w holds word w of every code, so that a scan reads memory in
one direction.

Axis letters: n codes, k bits, b bytes (ceil(k / 8)), w words (ceil(k / 64)).
"""

import numpy as np
import numpy.typing as npt

WORD_BITS = 64


def pack(outputs: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Turn real outputs into packed codes.

    Parameters
    ----------
    outputs
        (n, k) real numbers.

    Returns
    -------
    (n, b) uint8.

    >>> pack([[1.0, -1.0, 0.0, 0.5, -2.0, -2.0, -2.0, 3.0]])
    array([[145]], dtype=uint8)
    """
    return np.packbits(np.asarray(outputs) > 0, axis=-1)


def unpack(codes: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Turn packed codes (n, b) uint8 into 0 and 1, (n, k) uint8; the inverse of `pack` on the bits."""
    return np.unpackbits(codes, axis=-1, count=bits)


def words(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """View packed codes (n, b) uint8 as zero-padded 64-bit words, (n, w) uint64."""
    n, b = codes.shape
    padded = np.zeros((n, -(-b // 8) * 8), np.uint8)
    padded[:, :b] = codes
    return padded.view("<u8").astype(np.uint64, copy=False)


def planes(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Lay packed codes (n, b) uint8 out as planes, (w, n) uint64, each plane contiguous."""
    return np.ascontiguousarray(words(codes).T)


def distances(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Hamming distances between all pairs of two sets of packed codes: the plain reference.

    Parameters
    ----------
    a, b
        (n, b) and (m, b) uint8.

    Returns
    -------
    (n, m) int64, in bits. Uses n * m * b bytes of memory; large sets go through `vtsfind.find.hamming.search`.
    """
    differing = np.bitwise_count(a[:, None, :] ^ b[None, :, :])
    total: npt.NDArray[np.int64] = differing.sum(axis=-1, dtype=np.int64)
    return total
