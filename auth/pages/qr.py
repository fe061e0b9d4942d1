"""QR codes for authenticator links: bytes in, the modules of a symbol out. Pure.

A seed of 52 letters typed into a phone is where people give up, a picture needs no script, and one fixed mode of the
standard is less code than the care of a dependency: byte mode, error correction level L (a screen has no scratches),
versions 1 to 20. Source: ISO/IEC 18004:2015; the sections are named below.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

MAX_VERSION = 20
QUIET = 4  # modules of margin (§6.3.8)
# Table 9, level L, by version: codewords of error correction in a block, and blocks.
_CORRECTION = (7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28)
_BLOCKS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8)

Modules = list[list[bool]]


def qr_path(content: bytes) -> tuple[int, str] | None:
    """:returns: width with margins, and the dark modules as an SVG path; None: *content* is too long for one."""
    version = _version(len(content))
    if version is None:
        return None
    modules = _symbol(version, _codewords(content, version))
    return len(modules) + 2 * QUIET, "".join(_runs(modules))


def _runs(modules: Modules) -> Iterator[str]:
    for y, row in enumerate(modules):
        for run in re.finditer("1+", _line(row)):
            width = run.end() - run.start()
            yield f"M{run.start() + QUIET} {y + QUIET}h{width}v1h-{width}z"


# --- codewords (§7.4 to §7.6) ---------------------------------------------------------------------


def _total(version: int) -> int:
    """Codewords that the symbol holds: its area without patterns, in bytes."""
    bits = (16 * version + 128) * version + 64
    if version > 1:
        aligned = version // 7 + 2
        bits -= (25 * aligned - 10) * aligned - 55
    return (bits - (36 if version > 6 else 0)) // 8


def _capacity(version: int) -> int:
    return _total(version) - _CORRECTION[version - 1] * _BLOCKS[version - 1]


def _length_bits(version: int) -> int:
    return 8 if version < 10 else 16


def _version(length: int) -> int | None:
    fitting = (
        version
        for version in range(1, MAX_VERSION + 1)
        if 4 + _length_bits(version) + 8 * length <= 8 * _capacity(version)
    )
    return next(fitting, None)


def _codewords(content: bytes, version: int) -> bytes:
    """Data in blocks, each with its error correction, interleaved."""
    data = _data(content, version)
    count = _BLOCKS[version - 1]
    short, long_ones = divmod(len(data), count)
    blocks, at = [], 0
    for index in range(count):
        size = short + (index >= count - long_ones)
        blocks.append(data[at : at + size])
        at += size
    corrections = [_correction(block, _CORRECTION[version - 1]) for block in blocks]
    return bytes([*_interleaved(blocks), *_interleaved(corrections)])


def _interleaved(blocks: Sequence[bytes]) -> Iterator[int]:
    for index in range(max(map(len, blocks))):
        yield from (block[index] for block in blocks if index < len(block))


def _data(content: bytes, version: int) -> bytes:
    capacity = _capacity(version)
    bits = "0100" + format(len(content), f"0{_length_bits(version)}b")
    bits += "".join(format(byte, "08b") for byte in content)
    bits += "0" * min(4, 8 * capacity - len(bits))
    bits += "0" * (-len(bits) % 8)
    filled = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    padding = bytes((0xEC, 0x11)) * capacity
    return filled + padding[: capacity - len(filled)]


def _correction(block: bytes, degree: int) -> bytes:
    """The remainder of the Reed-Solomon division (§7.5.2)."""
    generator = _generator(degree)
    remainder = bytearray(degree)
    for byte in block:
        factor = byte ^ remainder.pop(0)
        remainder.append(0)
        for index, coefficient in enumerate(generator):
            remainder[index] ^= _product(coefficient, factor)
    return bytes(remainder)


@cache
def _generator(degree: int) -> bytes:
    """The product of (x - 2^i), without its leading one."""
    polynomial, root = bytearray([*bytes(degree - 1), 1]), 1
    for _ in range(degree):
        for index in range(degree):
            following = polynomial[index + 1] if index + 1 < degree else 0
            polynomial[index] = _product(polynomial[index], root) ^ following
        root = _product(root, 2)
    return bytes(polynomial)


def _product(one: int, other: int) -> int:
    """In GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ (0x11D if product & 0x80 else 0)
        product ^= one if other >> bit & 1 else 0
    return product


# --- the symbol (§6.3, §7.7 to §7.10) -------------------------------------------------------------


def _symbol(version: int, codewords: bytes) -> Modules:
    size = 4 * version + 17
    base: Modules = [[False] * size for _ in range(size)]
    fixed = _patterns(base, version)
    _place(base, fixed, codewords)
    return min((_masked(base, fixed, mask) for mask in range(8)), key=_penalty)


def _patterns(modules: Modules, version: int) -> set[tuple[int, int]]:
    """Draw what does not depend on the data. :returns: the places that data must not take."""
    size = len(modules)
    fixed: set[tuple[int, int]] = set()

    def put(x: int, y: int, dark: bool) -> None:
        if 0 <= x < size and 0 <= y < size:
            modules[y][x] = dark
            fixed.add((x, y))

    for index in range(size):
        put(index, 6, index % 2 == 0)
        put(6, index, index % 2 == 0)
    for x, y in ((3, 3), (size - 4, 3), (3, size - 4)):
        for dx in range(-4, 5):
            for dy in range(-4, 5):
                put(x + dx, y + dy, max(abs(dx), abs(dy)) in (0, 1, 3))
    for x, y in _alignments(version, size):
        for dx in range(-2, 3):
            for dy in range(-2, 3):
                put(x + dx, y + dy, max(abs(dx), abs(dy)) != 1)
    for x, y in (*_format_places(size, 0), *_format_places(size, 1)):
        put(x, y, False)
    put(8, size - 8, True)
    if version > 6:
        bits = version << 12 | _remainder(version, 12, 0x1F25)
        for index in range(18):
            a, b = size - 11 + index % 3, index // 3
            put(a, b, bool(bits >> index & 1))
            put(b, a, bool(bits >> index & 1))
    return fixed


def _alignments(version: int, size: int) -> Iterator[tuple[int, int]]:
    if version == 1:
        return
    count = version // 7 + 2
    step = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    centres = [6, *(size - 7 - step * index for index in range(count - 1))]
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    yield from ((x, y) for x in centres for y in centres if (x, y) not in corners)


def _format_places(size: int, copy: int) -> list[tuple[int, int]]:
    """Of the 15 bits, lowest first (§7.9.1)."""
    if copy == 0:
        down = [(8, y) for y in (0, 1, 2, 3, 4, 5, 7, 8)]
        return [*down, *((x, 8) for x in (7, 5, 4, 3, 2, 1, 0))]
    return [*((size - 1 - x, 8) for x in range(8)), *((8, size - 7 + y) for y in range(7))]


def _remainder(value: int, degree: int, generator: int) -> int:
    remainder = value
    for _ in range(degree):
        remainder = (remainder << 1) ^ (generator if remainder >> (degree - 1) & 1 else 0)
    return remainder


def _place(modules: Modules, fixed: set[tuple[int, int]], codewords: bytes) -> None:
    """Bit by bit, in columns of two from the right, up and down in turn (§7.7.3)."""
    size = len(modules)
    bits = iter("".join(format(byte, "08b") for byte in codewords))
    upwards = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for step in range(size):
            y = size - 1 - step if upwards else step
            for x in (right, right - 1):
                if (x, y) not in fixed:
                    modules[y][x] = next(bits, "0") == "1"
        upwards = not upwards


_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda x, y: (x + y) % 2 == 0,
    lambda _, y: y % 2 == 0,
    lambda x, _: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (x // 3 + y // 2) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
)


def _masked(base: Modules, fixed: set[tuple[int, int]], mask: int) -> Modules:
    flips = _MASKS[mask]
    modules = [
        [dark ^ (flips(x, y) and (x, y) not in fixed) for x, dark in enumerate(row)]
        for y, row in enumerate(base)
    ]
    value = 0b01 << 3 | mask  # level L
    bits = (value << 10 | _remainder(value, 10, 0x537)) ^ 0x5412
    for copy in (0, 1):
        for index, (x, y) in enumerate(_format_places(len(modules), copy)):
            modules[y][x] = bool(bits >> index & 1)
    return modules


def _penalty(modules: Modules) -> int:
    """What makes a symbol hard to read (§7.8.3): long runs, blocks, false finders, too much of one colour."""
    lines = [_line(row) for row in modules] + [_line(column) for column in zip(*modules, strict=True)]
    runs = sum(len(run[0]) - 2 for line in lines for run in re.finditer("0{5,}|1{5,}", line))
    finders = sum(len(re.findall("(?=10111010000|00001011101)", line)) for line in lines)
    blocks = sum(
        a == b == c == d
        for upper, lower in pairwise(modules)
        for a, b, c, d in zip(upper, upper[1:], lower, lower[1:], strict=False)
    )
    dark = sum(map(sum, modules)) * 100 / len(modules) ** 2
    return runs + 3 * blocks + 40 * finders + 10 * int(abs(dark - 50) / 5)


def _line(row: Sequence[bool]) -> str:
    return "".join("1" if dark else "0" for dark in row)
