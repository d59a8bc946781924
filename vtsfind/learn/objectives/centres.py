"""Code books: one code of -1 and +1 for each class, all of them far apart.

`code_book` is what the objectives use. It takes the best that is known for the length: balanced columns for a few
classes, rows of a Hadamard matrix (Sylvester's doubling, Paley's first construction), the Nordstrom-Robinson code,
extended BCH codes as cosets of the first-order Reed-Muller code, and for the rest a max-min search, or two shorter
books side by side. `published_csq` and `published_dpn` are what the published code draws instead.

Sources: Yuan et al., Central Similarity Quantization, CVPR 2020; Fan et al., Deep Polarized Network, IJCAI 2020;
MacWilliams and Sloane, The Theory of Error-Correcting Codes, chapters 2, 9, 13 and 15; Hammons et al., The
Z4-linearity of Kerdock, Preparata, Goethals and related codes, 1994.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError

Codes = npt.NDArray[np.int8]
"""(classes, bits), each entry -1 or +1."""

# Length to the exponents whose traces, with the constants, span an extended BCH code, longest distance first.
_TRACES: dict[int, tuple[tuple[int, ...], ...]] = {
    8: ((1, 3),),
    16: ((1, 5, 3),),
    32: ((1, 5), (1, 5, 3)),
    64: ((1, 9), (1, 9, 5)),
    128: ((1, 9),),
    256: ((1, 17),),
}
_PRIMITIVE_POLYNOMIALS = {3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10001001, 8: 0b100011101}
_CANDIDATE_DRAWS = 64
_SEARCH_POOL_SIZE = 10_000


def code_book(bits: int, classes: int, random: np.random.Generator, *, multilabel: bool = False) -> Codes:
    """Make one code for each class, with the largest minimum distance that is known here.

    Parameters
    ----------
    bits
        Length of the codes.
    classes
        Number of codes.
    random
        Which of the equally good books is taken, and in which order.
    multilabel
        Never give two classes opposite codes: an image of both would have no target.

    Returns
    -------
    (classes, bits) int8 of -1 and +1; all codes differ.

    Raises
    ------
    UsageError
        When there are not as many codes of that length.
    """
    capacity_bits = bits - 1 if multilabel else bits
    if classes > 1 << capacity_bits:
        nearest = (classes - 1).bit_length() + (1 if multilabel else 0)
        raise UsageError(
            f"{classes} classes need more codes than {bits} bits have.", f"Use at least {nearest} bits."
        )
    known = _known_books(bits, classes, random, multilabel=multilabel)
    books = [book for book in known if _usable(book, multilabel=multilabel)]
    if not books:
        books = [_search(bits, classes, random, multilabel=multilabel)]
        if bits > 16:
            books.append(_concatenated_books(bits, classes, random, multilabel=multilabel))
    best = max(books, key=lambda book: (minimum_distance(book), distinct_columns(book)))
    return best[random.permutation(classes)]


def _usable(codes: Codes, *, multilabel: bool) -> bool:
    distances = pair_distances(codes)
    return bool(distances.min() > 0 and not (multilabel and distances.max() == codes.shape[1]))


def pair_distances(codes: Codes) -> npt.NDArray[np.int64]:
    """Hamming distances of all pairs of codes (c, k), as (c * (c - 1) / 2,) int64."""
    wide = codes.astype(np.float32)
    doubled: npt.NDArray[np.float32] = codes.shape[1] - wide @ wide.T
    return (doubled[np.triu_indices(len(codes), 1)] / 2).astype(np.int64)


def minimum_distance(codes: Codes) -> int:
    """The smallest Hamming distance of two codes of (c, k)."""
    return int(pair_distances(codes).min())


def distinct_columns(codes: Codes) -> int:
    """How many different bits there are: a column equal or opposite to another counts once, a constant one never."""
    columns = codes.T * codes[0][:, None]
    return len(np.unique(columns[(columns != 1).any(axis=1)], axis=0))


def _known_books(
    bits: int, classes: int, random: np.random.Generator, *, multilabel: bool
) -> Iterator[Codes]:
    """Yield books whose distance comes from their construction."""
    if classes <= 8 and not (multilabel and classes == 2):
        yield _balanced_columns(bits, classes, random)
    for halves in _half_codes(bits, classes):
        if classes <= len(halves):
            yield _subset(halves, classes, random, turn=True)
            return
        if classes <= 2 * len(halves) and not multilabel:
            yield _subset(np.concatenate([halves, -halves]), classes, random, turn=False)
            return


def _half_codes(bits: int, classes: int) -> Iterator[Codes]:
    """Yield known codes without their constant word, one word of each pair of opposites, best distance first."""
    matrix = hadamard(bits)
    if matrix is not None:
        yield matrix[np.abs(matrix.sum(axis=1, dtype=np.int64)) < bits]
    if bits == 16:
        words = nordstrom_robinson()
        yield words[(words[:, 0] == 1) & (words == -1).any(axis=1)]
    for exponents in _TRACES.get(bits, ()):
        yield trace_code(bits, exponents, classes + 1)[1:]


def _subset(pool: Codes, classes: int, random: np.random.Generator, *, turn: bool) -> Codes:
    """Take `classes` rows of `pool` whose columns are as different and as balanced as some random draws find.

    With `turn`, rows become their opposites where that brings the sums of the columns nearer to 0.
    """

    def draw() -> Codes:
        codes = pool[random.permutation(len(pool))[:classes]]
        sums = np.zeros(codes.shape[1], np.int64)
        for row in range(classes if turn else 0):
            excess = int(sums @ codes[row])
            if excess > 0 or (excess == 0 and random.random() < 0.5):
                codes[row] = -codes[row]
            sums += codes[row]
        return codes

    def score(codes: Codes) -> tuple[int, int, int]:
        skew = np.abs(codes.sum(axis=0, dtype=np.int64))
        return -int((skew == classes).sum()), distinct_columns(codes), -int(skew.max())

    return max((draw() for _ in range(_CANDIDATE_DRAWS)), key=score)


def _balanced_columns(bits: int, classes: int, random: np.random.Generator) -> Codes:
    """Deal out, evenly, the columns that split a few classes into halves: these beat Hadamard rows."""
    numbers = np.arange(1 << classes)
    columns = (numbers[:, None] >> np.arange(classes)) & 1
    halves = columns[(columns.sum(axis=1) == classes // 2) & ((columns[:, 0] == 0) | (classes % 2 == 1))]
    codes = (1 - 2 * halves).astype(np.int8)

    def draw_columns() -> Codes:
        rounds = [random.permutation(len(codes)) for _ in range(-(-bits // len(codes)))]
        chosen: Codes = codes[np.concatenate(rounds)[:bits]]
        return chosen.T * _signs((bits,), random)

    return max((draw_columns() for _ in range(_CANDIDATE_DRAWS)), key=minimum_distance)


def hadamard(order: int) -> Codes | None:
    """Make a Hadamard matrix, (order, order), by doubling and Paley's first construction; None where these give none."""
    if order == 1:
        return np.ones((1, 1), np.int8)
    half = hadamard(order // 2) if order % 2 == 0 else None
    if half is not None:
        return np.concatenate([np.tile(half, 2), np.concatenate([half, -half], axis=1)])
    q = order - 1
    if q % 4 != 3 or any(q % d == 0 for d in range(2, int(q**0.5) + 1)):
        return None
    character = np.full(q, -1, np.int8)
    character[np.arange(1, q) ** 2 % q] = 1
    character[0] = 0
    skew = np.zeros((order, order), np.int8)
    skew[0, 1:], skew[1:, 0] = 1, -1
    skew[1:, 1:] = character[(np.arange(q)[:, None] - np.arange(q)) % q]
    np.fill_diagonal(skew, 1)
    return skew


def nordstrom_robinson() -> Codes:
    """Make the 256 words of 16 bits at distance 6: the octacode over the integers modulo 4, in Gray's map."""
    shifts = np.array([np.roll([3, 1, 2, 1, 0, 0, 0], shift) for shift in range(4)])
    generator = np.column_stack([shifts, np.ones(4, np.int64)])
    messages = np.arange(256)[:, None] >> np.array([0, 2, 4, 6]) & 3
    words = messages @ generator % 4
    gray: Codes = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]], np.int8)
    return np.reshape(gray[words], (256, 16))


def trace_code(bits: int, exponents: tuple[int, ...], count: int) -> Codes:
    """Make words of an extended BCH code of length 2^m, one of each pair of opposites.

    The words are the bits of x, and of its powers by `exponents`, over all x of the field of 2^m elements, and the
    sums of these. The first 2^m words are the first-order Reed-Muller code, further ones its cosets in turn.

    Parameters
    ----------
    bits
        The length, a power of 2 from 8 to 256.
    exponents
        One of each cyclotomic class of the code's nonzeros, beginning with 1.
    count
        How many words are wanted; whole cosets are given, as many as there are and as hold that number.

    Returns
    -------
    (words, bits) int8; the first word is constant.
    """
    m = bits.bit_length() - 1
    power = [1]
    while len(power) < bits - 1:
        doubled = power[-1] << 1
        power.append(doubled ^ _PRIMITIVE_POLYNOMIALS[m] if doubled >> m else doubled)
    logarithms = np.arange(bits - 1)
    basis: list[int] = []
    pivots: list[int] = []
    for exponent in exponents:
        values = np.array([*np.array(power)[logarithms * exponent % (bits - 1)], 0])
        for bit in range(m):
            word = int("".join(map(str, values >> bit & 1)), 2)
            reduced = word
            for pivot in pivots:
                reduced = min(reduced, reduced ^ pivot)
            if reduced:
                pivots.append(reduced)
                basis.append(word)
    rows = np.array([[int(bit) for bit in f"{word:0{bits}b}"] for word in basis])
    cosets = min(-(-count // bits), 1 << (len(basis) - m))
    messages = np.arange(cosets * bits)[:, None] >> np.arange(len(basis)) & 1
    words: Codes = (1 - 2 * (messages @ rows % 2)).astype(np.int8)
    return words


def _concatenated_books(bits: int, classes: int, random: np.random.Generator, *, multilabel: bool) -> Codes:
    """Put two shorter books side by side: their distances add up. The first piece is the longest power of 2."""
    first = 1 << ((bits - 1).bit_length() - 1)
    if min(first, bits - first) < (classes - 1).bit_length() + multilabel:
        return _search(bits, classes, random, multilabel=multilabel)
    pieces = [code_book(piece, classes, random, multilabel=multilabel) for piece in (first, bits - first)]
    return np.concatenate(pieces, axis=1)


def _search(bits: int, classes: int, random: np.random.Generator, *, multilabel: bool) -> Codes:
    """Collect random words that keep a distance; when no more are found, the distance asked for is lowered."""
    max_distance = bits - 1 if multilabel else bits

    def apart(words: Codes, codes: Codes, nearest: int) -> npt.NDArray[np.bool_]:
        agreement = words.astype(np.float32) @ codes.T.astype(np.float32)
        mask: npt.NDArray[np.bool_] = agreement.max(axis=1, initial=-bits) <= bits - 2 * nearest
        mask &= agreement.min(axis=1, initial=bits) >= bits - 2 * max_distance
        return mask

    book = np.zeros((0, bits), np.int8)
    for distance in range(max(int(0.61 * bits), 1), 0, -1):
        pool = _candidate_words(bits, random)
        pool = pool[apart(pool, book, distance)]
        while len(pool) and len(book) < classes:
            book = np.concatenate([book, pool[:1]])
            pool = pool[apart(pool, pool[:1], distance)]
        if len(book) == classes:
            return book
    raise UsageError(f"No {classes} different codes of {bits} bits were found.", "Use more bits.")


def _signs(shape: tuple[int, ...], random: np.random.Generator) -> Codes:
    return random.choice(np.array([-1, 1], np.int8), shape)


def _candidate_words(bits: int, random: np.random.Generator) -> Codes:
    """All words of up to 13 bits, else as many random ones as a search tries for one distance, in random order."""
    if bits > 13:
        return _signs((_SEARCH_POOL_SIZE, bits), random)
    numbers = random.permutation(1 << bits)
    return (1 - 2 * (numbers[:, None] >> np.arange(bits) & 1)).astype(np.int8)


def published_csq(bits: int, classes: int, random: np.random.Generator) -> Codes:
    """Make the centres of the published CSQ code: the first rows of a Hadamard matrix, its opposite, random words.

    The random words are balanced and drawn anew up to 20 times, until the smallest distance exceeds a quarter of the
    bits; the last draw is used even if none was accepted, so that two classes may share a code.

    Raises
    ------
    UsageError
        When `bits` is not a power of 2.
    """
    if bits & (bits - 1):
        below = 1 << (bits.bit_length() - 1)
        raise UsageError(
            f"The published centres exist for powers of 2 only, not for {bits} bits.",
            f"Use {below} or {2 * below} bits, or the mode 'fixed'.",
        )
    matrix = hadamard(bits)
    assert matrix is not None
    rows = book = np.concatenate([matrix, -matrix])[:classes]
    for _ in range(20 if classes > len(rows) else 0):
        book = np.concatenate([rows, published_dpn(bits, classes - len(rows), random)])
        distances = pair_distances(book)
        if distances.min() > bits / 4 and distances.mean() >= bits / 2:
            break
    return book


def published_dpn(bits: int, classes: int, random: np.random.Generator) -> Codes:
    """Make the targets of the published DPN code: random words with half of the bits -1, whatever their distance."""
    half = np.ones(bits, np.int8)
    half[: bits // 2] = -1
    return random.permuted(np.tile(half, (classes, 1)), axis=1)
