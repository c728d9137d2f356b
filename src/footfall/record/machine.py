"""Which instructions of the machine do kernels use that Numba has no name for? One function each.

Compiled, each is an instruction or two on every machine that LLVM knows; with ``NUMBA_DISABLE_JIT=1`` the same in
plain Python.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from footfall.record.compiled import kernel

_64_BITS = (1 << 64) - 1
_CACHE_LINE_BYTES = 64
_1, _2, _3, _4, _5, _6, _7 = (np.uint64(i) for i in range(1, 8))


@kernel
def word(b, at):
    """Eight bytes of a uint8 array, little-endian, from position ``at`` (uint64) on; one load once compiled."""
    return (
        np.uint64(b[at])
        | np.uint64(b[at + _1]) << np.uint64(8)
        | np.uint64(b[at + _2]) << np.uint64(16)
        | np.uint64(b[at + _3]) << np.uint64(24)
        | np.uint64(b[at + _4]) << np.uint64(32)
        | np.uint64(b[at + _5]) << np.uint64(40)
        | np.uint64(b[at + _6]) << np.uint64(48)
        | np.uint64(b[at + _7]) << np.uint64(56)
    )


@kernel
def half_word(b, at):
    """Four bytes of a uint8 array, little-endian, from position ``at`` (uint64) on."""
    return (
        np.uint64(b[at])
        | np.uint64(b[at + _1]) << np.uint64(8)
        | np.uint64(b[at + _2]) << np.uint64(16)
        | np.uint64(b[at + _3]) << np.uint64(24)
    )


def fold(a, b):
    """Low half XOR high half of the 128-bit product of two uint64."""
    product = int(a) * int(b)
    return np.uint64((product & _64_BITS) ^ (product >> 64))


def first_bit(x):
    """Position of the lowest bit of a uint64 that is set, as uint64; ``x`` must not be 0."""
    return np.uint64((int(x) & -int(x)).bit_length() - 1)


def odd_64(b, at):
    """A bit for each of the 64 bytes from ``at`` on that can end or spoil a JSON text.

    These are quotes, backslashes, control characters and all beyond printable ASCII. ``b`` is uint8, ``at`` uint64.
    """
    return np.uint64(sum(1 << k for k, c in enumerate(b[at : at + 64]) if not 32 <= c < 127 or c in (34, 92)))


def newlines_64(b, at):
    """A bit for each of the 64 bytes from ``at`` on that is a newline."""
    return np.uint64(sum(1 << k for k, c in enumerate(b[at : at + 64]) if c == 10))


def prefetch(records, row):
    """Ask for the memory of a record that will be needed soon; ``row`` must be within ``records`` (one dimension)."""


@intrinsic
def _fold(typing, a, b):
    def generate(context, builder, signature, arguments):
        wide, narrow = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), narrow)
        return builder.xor(builder.trunc(product, narrow), high)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def _first_bit(typing, x):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


def _bytes_64(context, builder, signature, arguments):
    """The 64 bytes of ``b`` from ``at`` on as one vector."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    vector = ir.VectorType(ir.IntType(8), 64)
    pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
    return builder.load(pointer, align=1)


def _all_64(byte):
    return ir.Constant(ir.VectorType(ir.IntType(8), 64), [byte] * 64)


@intrinsic
def _odd_64(typing, b, at):
    def generate(context, builder, signature, arguments):
        x = _bytes_64(context, builder, signature, arguments)
        odd = builder.icmp_unsigned(">=", builder.sub(x, _all_64(32)), _all_64(127 - 32))
        for byte in (34, 92):
            odd = builder.or_(odd, builder.icmp_unsigned("==", x, _all_64(byte)))
        return builder.bitcast(odd, ir.IntType(64))

    return types.uint64(b, types.uint64), generate


@intrinsic
def _newlines_64(typing, b, at):
    def generate(context, builder, signature, arguments):
        x = _bytes_64(context, builder, signature, arguments)
        return builder.bitcast(builder.icmp_unsigned("==", x, _all_64(10)), ir.IntType(64))

    return types.uint64(b, types.uint64), generate


@intrinsic
def _prefetch(typing, records, row):
    def generate(context, builder, signature, arguments):
        array_type = signature.args[0]
        array = context.make_array(array_type)(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(
            context, builder, array_type, array, [arguments[1]], wraparound=False, boundscheck=False
        )
        byte, number = ir.IntType(8), ir.IntType(32)
        start = builder.bitcast(pointer, byte.as_pointer())
        hint = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte.as_pointer(), number, number, number]),
            "llvm.prefetch.p0",
        )
        n_bytes = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
        for offset in range(0, n_bytes, _CACHE_LINE_BYTES):
            at = builder.gep(start, [ir.Constant(ir.IntType(64), offset)])
            builder.call(hint, [at, ir.Constant(number, 0), ir.Constant(number, 3), ir.Constant(number, 1)])
        return context.get_dummy_value()

    return types.void(records, types.int64), generate


@overload(fold)
def _fold_overload(a, b):
    def compiled(a, b):
        return _fold(a, b)

    return compiled


@overload(first_bit)
def _first_bit_overload(x):
    def compiled(x):
        return _first_bit(x)

    return compiled


@overload(odd_64)
def _odd_64_overload(b, at):
    def compiled(b, at):
        return _odd_64(b, at)

    return compiled


@overload(newlines_64)
def _newlines_64_overload(b, at):
    def compiled(b, at):
        return _newlines_64(b, at)

    return compiled


@overload(prefetch)
def _prefetch_overload(records, row):
    def compiled(records, row):
        return _prefetch(records, row)

    return compiled
