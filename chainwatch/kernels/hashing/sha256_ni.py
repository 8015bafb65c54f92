"""SHA-256 with the processor's own instructions, reached from numba without a C compiler.

Two things are easy to get wrong. The state is kept as (a, b, e, f) and (c, d, g, h), highest lane
first. And the instructions are encoded as legacy SSE: run behind vectorised AVX code without
``vzeroupper``, each waits for the upper halves of its registers, which costs a factor of sixty.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it has no types
from numba import types
from numba.extending import intrinsic

from chainwatch.kernels.hashing.sha256_constants import ROUNDS

_BYTE, _WORD, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_FOUR, _SIXTEEN = ir.VectorType(_WORD, 4), ir.VectorType(_BYTE, 16)
_SWAP = [4 * (k // 4) + 3 - k % 4 for k in range(16)]


def _declared(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    module = builder.module
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, arguments), name)


def _shuffled(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_WORD, len(lanes)), [ir.Constant(_WORD, k) for k in lanes])
    return builder.shuffle_vector(a, b, mask)


def _loaded(builder: Any, pointer: Any, kind: Any) -> Any:
    read = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    read.align = 1
    return read


def _stored(builder: Any, value: Any, pointer: Any) -> None:
    written = builder.store(value, builder.bitcast(pointer, _FOUR.as_pointer()))
    written.align = 1


def _words(builder: Any, block: Any) -> list[Any]:
    """Load the 64 bytes of a block as sixteen big-endian words."""
    words = []
    for k in range(4):
        raw = _loaded(builder, builder.gep(block, [_LONG(16 * k)]), _SIXTEEN)
        turned = _shuffled(builder, raw, ir.Constant(_SIXTEEN, ir.Undefined), _SWAP)
        words.append(builder.bitcast(turned, _FOUR))
    return words


def _rounds(builder: Any, low: Any, high: Any, words: list[Any]) -> tuple[Any, Any]:
    """Mix one block into the state: sixteen times four rounds."""
    two = _declared(builder, "llvm.x86.sha256rnds2", _FOUR, [_FOUR] * 3)
    first = _declared(builder, "llvm.x86.sha256msg1", _FOUR, [_FOUR] * 2)
    second = _declared(builder, "llvm.x86.sha256msg2", _FOUR, [_FOUR] * 2)
    a, b = low, high
    for k in range(16):
        here, last = k & 3, words[(k + 3) & 3]
        if k >= 4:
            part = builder.call(first, [words[here], words[(k + 1) & 3]])
            part = builder.add(part, _shuffled(builder, words[(k + 2) & 3], last, [1, 2, 3, 4]))
            words[here] = builder.call(second, [part, last])
        constants = [ir.Constant(_WORD, ROUNDS[4 * k + j]) for j in range(4)]
        added = builder.add(words[here], ir.Constant(_FOUR, constants))
        b = builder.call(two, [b, a, added])
        a = builder.call(two, [a, b, _shuffled(builder, added, added, [2, 3, 2, 3])])
    return builder.add(a, low), builder.add(b, high)


def _emitted(builder: Any, state: Any, data: Any, count: Any) -> None:
    """Emit the loop over ``count`` blocks that begin at ``data``."""
    builder.call(_declared(builder, "llvm.x86.avx.vzeroupper", ir.VoidType(), []), [])
    rest = builder.gep(state, [_LONG(4)])
    abcd, efgh = _loaded(builder, state, _FOUR), _loaded(builder, rest, _FOUR)
    low, high = (
        _shuffled(builder, abcd, efgh, [5, 4, 1, 0]),
        _shuffled(builder, abcd, efgh, [7, 6, 3, 2]),
    )
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    k, a, b = builder.phi(_LONG), builder.phi(_FOUR), builder.phi(_FOUR)
    for value, start in ((k, _LONG(0)), (a, low), (b, high)):
        value.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", k, count), body, after)
    builder.position_at_end(body)
    words = _words(builder, builder.gep(data, [builder.mul(k, _LONG(64))]))
    next_a, next_b = _rounds(builder, a, b, words)
    for value, new in ((k, builder.add(k, _LONG(1))), (a, next_a), (b, next_b)):
        value.add_incoming(new, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    _stored(builder, _shuffled(builder, a, b, [3, 2, 7, 6]), state)
    _stored(builder, _shuffled(builder, a, b, [1, 0, 5, 4]), rest)


@intrinsic
def compress_ni(context: Any, state: Any, data: Any, place: Any, count: Any) -> Any:
    """Mix ``count`` blocks of 64 bytes, from ``place`` of ``data`` on, into the state.

    ``state`` is an array of eight uint32, ``data`` one of uint8; nothing is checked.
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        arrays = [target.make_array(kinds[k])(target, builder, arguments[k]) for k in (0, 1)]
        words = builder.bitcast(arrays[0].data, _WORD.as_pointer())
        start = builder.gep(builder.bitcast(arrays[1].data, _BYTE.as_pointer()), [arguments[2]])
        _emitted(builder, words, start, arguments[3])
        return target.get_dummy_value()

    return types.void(state, data, types.int64, types.int64), generate
