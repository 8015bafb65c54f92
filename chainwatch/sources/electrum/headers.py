"""The chain as an Electrum server tells it: its best block, and headers that show their work."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.bitcoin.json_fields import bytes_of, field_of, hash_of
from chainwatch.bitcoin.merkle import LIAR, read_header
from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.ingest.reorg import Tip
from chainwatch.net.response import Answer
from chainwatch.sources.electrum.messages import NO_METHOD, Question, ServerRefusal, in_loads
from chainwatch.sources.electrum.wire import ElectrumWire

LARGEST_HEIGHT = 2**31
"""Above every height that a chain will have."""

_KEPT = 5_000
_AT_ONCE = 1_000


@dataclass(frozen=True)
class HeaderAt:
    """A header at the height where the server says it stands, and the answer that says so."""

    height: int
    fields: Header
    answer: Answer

    @property
    def tip(self) -> Tip:
        """The block as the tip of a chain."""
        return Tip(self.height, self.fields.hash, self.height)

    @property
    def place(self) -> tuple[bytes, int]:
        """Hash and bits, as :class:`chainwatch.ingest.reorg.Known` keeps them."""
        return self.fields.hash, self.fields.bits


class ElectrumHeaders:
    """The headers of one server, the latest that were read kept at hand."""

    def __init__(self, wire: ElectrumWire, chain: Chain, *, source: str) -> None:
        self.network, self.name, self._wire = chain, source, wire
        self._kept: OrderedDict[int, HeaderAt] = OrderedDict()
        self._named: dict[bytes, bytes] = {}

    def best(self) -> HeaderAt:
        """Return the server's best block."""
        question = Question("blockchain.headers.subscribe")
        answer = self._wire.ask([question])[0]
        where = self._wire.where(question)
        height = field_of(answer.value, "height", int, where)
        if not 0 <= height < LARGEST_HEIGHT:
            raise SourceError("the server's chain has a height that is none", where=where,
                              remedy=LIAR)  # fmt: skip
        data = bytes_of(answer.value.get("hex"), where, HEADER_SIZE)
        return HeaderAt(height, read_header(data, self.network, where), answer)

    def check_features(self) -> None:
        """Refuse a server that says it is of another chain; some do not say."""
        question = Question("server.features")
        try:
            answer = self._wire.ask([question])[0]
        except ServerRefusal as refused:
            if refused.code != NO_METHOD:
                raise
            return
        where = self._wire.where(question)
        stated = hash_of(field_of(answer.value, "genesis_hash", str, where), where)
        if stated != self.network.genesis:
            raise ChainError(
                f"the server is not of {self.network.name}: it names the genesis block "
                f"{hash_text(stated)}",
                where=where,
                remedy="name the chain that it is of, or ask another server",
            )

    def read(
        self, heights: Sequence[int], others: Sequence[Question] = ()
    ) -> tuple[dict[int, HeaderAt], list[Answer]]:
        """Return headers by height, and the answers to ``others``, which are asked with them.

        What is returned holds every header that was asked for, however few are kept at hand. One
        question after the other without a pause: a server that pads its lines lets each pause
        cost a second.
        """
        found = {height: self._kept[height] for height in heights if height in self._kept}
        missing = [height for height in dict.fromkeys(heights) if height not in found]
        answers = self._wire.ask([*map(_header, missing), *others])
        for height, answer in zip(missing, answers[: len(missing)], strict=True):
            found[height] = self._kept[height] = self._read(height, answer)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found, answers[len(missing) :]

    def read_anew(self, height: int) -> HeaderAt:
        """Return the header at a height as the server has it now."""
        return self._read(height, self._wire.ask([_header(height)])[0])

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height."""
        self._named, hashes = {}, []
        for _, found in in_loads(self._each, heights, _AT_ONCE):
            hashes += [item.fields.hash for item in found]
            for item in found:
                self._named[item.fields.hash] = bytes.fromhex(item.answer.value)
        return hashes

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return 80 bytes for each of the hashes that were just asked for by height."""
        return [self._named[name] for name in hashes]

    def forget(self) -> None:
        """Forget all headers: the chain was reorganised."""
        self._kept.clear()

    def _each(self, heights: Sequence[int]) -> list[HeaderAt]:
        found, _ = self.read(heights)
        return [found[height] for height in heights]

    def _read(self, height: int, answer: Answer) -> HeaderAt:
        where = self._wire.where(_header(height))
        data = bytes_of(answer.value, where, HEADER_SIZE)
        return HeaderAt(height, read_header(data, self.network, where), answer)


def _header(height: int) -> Question:
    return Question("blockchain.block.header", (height,))
