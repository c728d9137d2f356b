"""XXH3-64 of parts of a byte array, compiled: the same hash as the xxhash package, where there's no Python object.

Lengths of 0 to 240 bytes, as ids and names are; after the published specification of XXH3 (Yann Collet, BSD-2). The
test compares every length with the package.
"""

import numpy as np

from footfall.record.compiled import kernel
from footfall.record.machine import fold, half_word, word

LONGEST = 240
"""Longer inputs have another algorithm, which isn't needed here."""

_SECRET = np.frombuffer(
    bytes.fromhex(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
        "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
        "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
        "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
        "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
        "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
    ),
    np.uint8,
)
_S = np.frombuffer(_SECRET.tobytes(), "<u8").astype(np.uint64)
"""The secret at multiples of 8."""
_S3 = np.array([int.from_bytes(_SECRET[i : i + 8].tobytes(), "little") for i in range(3, 3 + 8 * 16, 8)], np.uint64)
"""The secret at 3 + multiples of 8."""
_LAST = np.array([int.from_bytes(_SECRET[i : i + 8].tobytes(), "little") for i in (119, 127)], np.uint64)
_P1, _P2, _P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_MX1, _MX2 = np.uint64(0x165667919E3779F9), np.uint64(0x9FB21C651E98DF25)
_LOW = np.uint64(0xFFFFFFFF)
_8 = np.uint64(8)
_1TO3 = (_S[0] & _LOW) ^ (_S[0] >> np.uint64(32))
_4TO8 = _S[1] ^ _S[2]
_9A, _9B = _S[3] ^ _S[4], _S[5] ^ _S[6]
_BYTES = np.uint64(0x00FF00FF00FF00FF)
_WORDS = np.uint64(0x0000FFFF0000FFFF)


@kernel
def _swap(x):
    x = ((x >> np.uint64(8)) & _BYTES) | ((x & _BYTES) << np.uint64(8))
    x = ((x >> np.uint64(16)) & _WORDS) | ((x & _WORDS) << np.uint64(16))
    return (x >> np.uint64(32)) | (x << np.uint64(32))


@kernel
def _mix(b, at, s0, s1, seed):
    return fold(word(b, at) ^ (s0 + seed), word(b, at + _8) ^ (s1 - seed))


@kernel
def _avalanche(h):
    h ^= h >> np.uint64(37)
    h *= _MX1
    return h ^ (h >> np.uint64(32))


@kernel
def _rotl(x, n):
    return (x << np.uint64(n)) | (x >> np.uint64(64 - n))


@kernel
def xxh3(b, at, n, seed):
    """Hash of ``b[at : at + n]`` (uint8, n <= LONGEST) with a uint64 seed; uint64."""
    at, length = np.uint64(at), np.uint64(n)  # unsigned, so that compiled code needs no test for negative positions
    end = at + length
    if n > 16:
        acc = length * _P1
        if n <= 128:
            if n > 32:
                if n > 64:
                    if n > 96:
                        acc += _mix(b, at + np.uint64(48), _S[12], _S[13], seed)
                        acc += _mix(b, end - np.uint64(64), _S[14], _S[15], seed)
                    acc += _mix(b, at + np.uint64(32), _S[8], _S[9], seed)
                    acc += _mix(b, end - np.uint64(48), _S[10], _S[11], seed)
                acc += _mix(b, at + np.uint64(16), _S[4], _S[5], seed)
                acc += _mix(b, end - np.uint64(32), _S[6], _S[7], seed)
            acc += _mix(b, at, _S[0], _S[1], seed)
            acc += _mix(b, end - np.uint64(16), _S[2], _S[3], seed)
            return _avalanche(acc)
        for i in range(8):
            acc += _mix(b, at + np.uint64(16 * i), _S[2 * i], _S[2 * i + 1], seed)
        acc = _avalanche(acc)
        for i in range(8, n // 16):
            acc += _mix(b, at + np.uint64(16 * i), _S3[2 * (i - 8)], _S3[2 * (i - 8) + 1], seed)
        acc += _mix(b, end - np.uint64(16), _LAST[0], _LAST[1], seed)
        return _avalanche(acc)
    if n > 8:
        low = word(b, at) ^ (_9A + seed)
        high = word(b, end - np.uint64(8)) ^ (_9B - seed)
        return _avalanche(length + _swap(low) + high + fold(low, high))
    if n > 3:
        seed ^= _swap(seed & _LOW)
        keyed = (half_word(b, end - np.uint64(4)) + (half_word(b, at) << np.uint64(32))) ^ (_4TO8 - seed)
        keyed ^= _rotl(keyed, 49) ^ _rotl(keyed, 24)
        keyed *= _MX2
        keyed ^= (keyed >> np.uint64(35)) + length
        keyed *= _MX2
        return keyed ^ (keyed >> np.uint64(28))
    h = np.uint64(0)
    if n > 0:
        c1, c2, c3 = np.uint64(b[at]), np.uint64(b[at + (length >> np.uint64(1))]), np.uint64(b[end - np.uint64(1)])
        combined = (c1 << np.uint64(16)) | (c2 << np.uint64(24)) | c3 | (length << np.uint64(8))
        h = combined ^ (_1TO3 + seed)
    else:
        h = seed ^ (_S[7] ^ _S[8])
    h ^= h >> np.uint64(33)
    h *= _P2
    h ^= h >> np.uint64(29)
    h *= _P3
    return h ^ (h >> np.uint64(32))
