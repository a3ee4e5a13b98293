"""Continuous batching: which sequence sits in which slot, and one step for all of them.

Live sequences fill slots 0..B-1 without gaps, so that a step works on slices and has no Python loop over sequences;
when some end, the last ones move into their places. A prompt is computed once for all sequences that ask it while any
of them lives: the others copy its keys and values.

Pure and single-threaded: whoever owns a Scheduler calls its methods one at a time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch

from .model import Cache, chunk_size, decode, logits, prefill
from .sampling import draw, uniform
from .weights import Weights, align, same_model

PREFILL_TOKENS = 4096  # of one call of the model; decoding waits for no more than this between two looks at the network
JOIN_TOKENS = 16384  # of distinct prompts that join together


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a request's completions are drawn."""

    limit: int  # most tokens of a completion, >= 1
    temperature: float = 1.0  # 0 takes the likeliest token
    stops: tuple[int, ...] = ()  # token ids that end a completion, the model's own included; they are its last token


@dataclass(eq=False, slots=True)
class Prompt:
    """A prompt and, while holders is not empty, where its keys and values are."""

    ids: tuple[int, ...]
    key: object
    scored: bool
    users: int = 0  # sequences waiting or live
    holders: list["Sequence"] = field(default_factory=list)
    logits_V: torch.Tensor | None = None
    scores: list[tuple[float, int]] = field(default_factory=list)  # log-probability and rank of ids[1:]


@dataclass(eq=False, slots=True)
class Sequence:
    """One completion on its way. index counts within its request: prompt * n + sample."""

    request: "Request"
    index: int
    prompt: Prompt
    seed: int
    slot: int = -1


@dataclass(eq=False, slots=True)
class Completion:
    """One completion at its end. reason: stop, length or abort."""

    ids: list[int]
    logprobs: list[float]
    reason: str
    prompt: Prompt


@dataclass(eq=False, slots=True)
class Request:
    """n completions of each of some prompts. done fills as they end; the request is complete when none is missing.

    scored asks for the log-probabilities of the prompts' own tokens; salt keeps prompts from being shared.
    """

    prompts: list[tuple[int, ...]]
    n: int
    seed: int
    sampling: Sampling
    scored: bool = False
    salt: str = ""
    done: list[Completion | None] = field(default_factory=list)
    missing: int = 0
    cancelled: bool = False


class Scheduler:
    """Sequences, slots and steps of one model."""

    def __init__(self, weights: Weights, slots: int) -> None:
        self.weights = weights
        self.cache = Cache(weights.shape, slots)
        self.slots = slots
        self.waiting: deque[Sequence] = deque()
        self.held: list[Sequence] = []  # arrived during a pause
        self.live: list[Sequence] = []  # by slot
        self.joining: Iterator[list[Request]] | None = None
        self.turn = True  # of the waiting ones: they join at every other step at most, so that decoding goes on
        self.prompts: dict[object, Prompt] = {}
        self.paused = False  # nothing new starts
        self.frozen = False  # nothing moves
        self.steps = self.prompt_tokens = self.new_tokens = 0
        rows, width = slots + 1, weights.shape.positions
        self.last = torch.zeros(rows, dtype=torch.int64)  # newest token of each slot
        self.position = torch.zeros(rows, dtype=torch.int64)  # where it goes
        self.inverse = torch.ones(rows, 1)
        self.greedy = torch.zeros(rows, dtype=torch.bool)
        self.count = np.zeros(rows, np.int64)  # tokens drawn
        self.limit = np.ones(rows, np.int64)
        self.seed = np.zeros(rows, np.uint64)
        self.stops = np.full((rows, 4), -1, np.int64)
        self.ids = np.zeros((rows, width), np.int32)
        self.logprobs = np.zeros((rows, width), np.float32)
        self.rows = np.arange(rows)

    @property
    def busy(self) -> bool:
        """Whether step would do anything."""
        return not self.frozen and bool(self.waiting or self.live or self.joining)

    @property
    def running(self) -> int:
        return len(self.live)

    def add(self, request: Request) -> None:
        """Accepts a request; its prompts and limits must fit the context."""
        request.done = [None] * (len(request.prompts) * request.n)
        request.missing = len(request.done)
        queue = self.held if self.paused else self.waiting
        for p, ids in enumerate(request.prompts):
            prompt = self._prompt(ids, request)
            for i in range(request.n):
                prompt.users += 1
                seed = (request.seed + i) & 0xFFFFFFFFFFFFFFFF
                queue.append(Sequence(request, p * request.n + i, prompt, seed))

    def _prompt(self, ids: tuple[int, ...], request: Request) -> Prompt:
        if request.scored:  # scores are made while the prompt is computed
            return Prompt(ids, None, True)
        key = (request.salt, ids)
        return self.prompts.setdefault(key, Prompt(ids, key, False))

    def abort(self, request: Request) -> None:
        """Forgets a request; its slots are free from the next step on."""
        request.cancelled = True
        for queue in (self.waiting, self.held):
            gone = [s for s in queue if s.request is request]
            for sequence in gone:
                queue.remove(sequence)
                self._release(sequence)
        for sequence in self.live:
            if sequence.request is request:
                self.limit[sequence.slot] = 0

    def pause(self, mode: str) -> list[Request]:
        """Stops: "keep" where things stand, "abort" by ending every request, "wait" once all have ended.

        Gives the requests that abort completes. Requests that arrive during a pause wait for resume. After "wait"
        the caller steps until busy is False.
        """
        ended: list[Request] = []
        if mode == "abort":
            while self.joining:
                ended += self._advance()
            for sequence in [*self.live, *self.waiting, *self.held]:
                ended += self._finish(sequence, "abort")
            self.live.clear()
            self.waiting.clear()
            self.held.clear()
        self.paused = True
        self.frozen = mode == "keep"
        return ended

    def resume(self) -> None:
        """Goes on."""
        self.paused = self.frozen = False
        self.waiting.extend(self.held)
        self.held.clear()

    def load(self, weights: Weights) -> list[Request]:
        """Swaps the weights between two steps; sequences under way keep what they have cached.

        Gives requests that completed on the way. Raises ValueError, and changes nothing, for another architecture.
        """
        if odd := same_model(self.weights, weights):
            raise ValueError(f"not the model being served: {odd}")
        ended: list[Request] = []
        while self.joining:
            ended += self._advance()
        self.weights = weights
        self.forget()
        return ended

    def forget(self) -> None:
        """Lets no later sequence share what has been computed so far."""
        self.prompts.clear()
        for sequence in [*self.waiting, *self.held]:
            sequence.prompt.users -= 1
            sequence.prompt = self._prompt(sequence.prompt.ids, sequence.request)
            sequence.prompt.users += 1

    @torch.inference_mode()
    def step(self) -> list[Request]:
        """Computes some prompts or one token of every live sequence; gives the requests it completed."""
        if self.frozen:
            return []
        self.steps += 1
        if self.joining is None and self.waiting and self.turn and len(self.live) < self.slots:
            self.joining, self.turn = self._join(), False
        if self.joining is not None:
            return self._advance()
        self.turn = True
        return self._decode() if self.live else []

    @torch.inference_mode()
    def _advance(self) -> list[Request]:
        ended = next(self.joining, None)
        if ended is None:
            self.joining, ended = None, []
        return ended

    def _decode(self) -> list[Request]:
        rows = len(self.live)
        padded = max(rows, 2)
        positions = self.position[:padded]
        longest = int(positions[:rows].max()) + 1
        if padded > rows:
            positions[rows:] = 0
        out = decode(self.weights, self.cache, self.last[:padded], positions, longest)
        return self._record(0, out[:rows])

    def _join(self) -> Iterator[list[Request]]:
        """Moves waiting sequences into slots: computes their prompts in pieces, then draws their first tokens.

        Yields between pieces. The live ones stand still meanwhile, so slots stay where they are.
        """
        leaders, followers = self._next_sequences()
        first = len(self.live)
        joined = sorted(leaders, key=lambda s: len(s.prompt.ids)) + followers
        for slot, sequence in enumerate(joined, first):
            sequence.slot = slot
        start = 0
        while start < len(leaders):
            batch = _alike(joined[start : len(leaders)])
            for _ in self._prefill(batch):
                yield []
            start += len(batch)
        for sequence in leaders:
            sequence.prompt.holders.append(sequence)
        for prompt, same in groupby(followers, lambda s: s.prompt):
            slots = [s.slot for s in same]
            self.cache.copy(prompt.holders[0].slot, slots[0], slots[-1] + 1, len(prompt.ids))
        for sequence in followers:
            sequence.prompt.holders.append(sequence)
        for sequence in joined:
            self._seat(sequence)
        self.live += joined
        yield self._record(first, torch.stack([s.prompt.logits_V for s in joined]))

    def _next_sequences(self) -> tuple[list[Sequence], list[Sequence]]:
        """Takes what fits from the queue: those that compute their prompt, and those that copy it."""
        leaders: list[Sequence] = []
        followers: list[Sequence] = []
        led: set[Prompt] = set()
        free, tokens = self.slots - len(self.live), 0
        while self.waiting and len(leaders) + len(followers) < free and tokens < JOIN_TOKENS:
            sequence = self.waiting.popleft()
            if sequence.prompt.holders or sequence.prompt in led:
                followers.append(sequence)
            else:
                led.add(sequence.prompt)
                leaders.append(sequence)
                tokens += len(sequence.prompt.ids)
        return leaders, followers

    def _prefill(self, batch: list[Sequence]) -> Iterator[None]:
        """Computes prompts of one aligned length in chunks, yielding after each."""
        shape, slot = self.weights.shape, batch[0].slot
        sizes = [len(s.prompt.ids) for s in batch]
        table = np.zeros((len(batch), align(max(sizes))), np.int64)
        for row, sequence in enumerate(batch):
            table[row, : sizes[row]] = sequence.prompt.ids
        ids_PT = torch.from_numpy(table)
        start = 0
        while start < ids_PT.shape[1]:
            end = min(start + chunk_size(shape, start), ids_PT.shape[1])
            hidden_PTH = prefill(self.weights, self.cache, ids_PT[:, start:end], slot, start)
            for row, sequence in enumerate(batch):
                if sequence.prompt.scored:
                    self._score(sequence.prompt, hidden_PTH[row], start)
            inside = [row for row, size in enumerate(sizes) if start < size <= end]
            if inside:
                last = logits(self.weights, hidden_PTH[inside, [sizes[row] - 1 - start for row in inside]])
                for row, out in zip(inside, last, strict=True):
                    batch[row].prompt.logits_V = out
            start = end
            yield
        self.prompt_tokens += sum(sizes)

    def _score(self, prompt: Prompt, hidden_TH: torch.Tensor, start: int) -> None:
        """Log-probability at temperature 1 and rank of the tokens that follow positions start.. of the prompt."""
        targets = torch.tensor(prompt.ids[start + 1 : start + 1 + len(hidden_TH)])
        piece = max(1, (16 << 20) // self.weights.shape.vocabulary)
        for at in range(0, len(targets), piece):
            aim_N1 = targets[at : at + piece, None]
            out_NV = logits(self.weights, hidden_TH[at : at + len(aim_N1)]).log_softmax(-1)
            got_N1 = out_NV.gather(1, aim_N1)
            ranks = (out_NV > got_N1).sum(1).add_(1)
            prompt.scores += zip(got_N1[:, 0].tolist(), ranks.tolist(), strict=True)

    def _seat(self, sequence: Sequence) -> None:
        """Writes what a step needs to know of a sequence into the rows of its slot."""
        slot, sampling = sequence.slot, sequence.request.sampling
        self.position[slot] = len(sequence.prompt.ids) - 1
        self.inverse[slot] = 1 / sampling.temperature if sampling.temperature else 1.0
        self.greedy[slot] = not sampling.temperature
        self.count[slot] = 0
        self.limit[slot] = 0 if sequence.request.cancelled else sampling.limit
        self.seed[slot] = sequence.seed
        if len(sampling.stops) > self.stops.shape[1]:
            more = len(sampling.stops) - self.stops.shape[1]
            self.stops = np.pad(self.stops, ((0, 0), (0, more)), constant_values=-1)
        self.stops[slot] = -1
        self.stops[slot, : len(sampling.stops)] = sampling.stops

    def _record(self, first: int, logits_RV: torch.Tensor) -> list[Request]:
        """Draws the next token of slots first.. to the last live one, and retires sequences that end with it."""
        rows = slice(first, len(self.live))
        count = self.count[rows]
        greedy = self.greedy[rows]
        chance = uniform(self.seed[rows], count)
        tokens, logprobs = draw(logits_RV, self.inverse[rows], chance, greedy if greedy.any() else None)
        ids = tokens.numpy()
        self.ids[self.rows[rows], count] = ids
        self.logprobs[self.rows[rows], count] = logprobs.numpy()
        self.last[rows] = tokens
        self.position[rows] += 1
        count += 1
        self.new_tokens += len(ids)
        stopped = (self.stops[rows] == ids[:, None]).any(1)
        over = stopped | (count >= self.limit[rows])
        return self._retire(np.flatnonzero(over) + first, stopped, first) if over.any() else []

    def _retire(self, slots: np.ndarray, stopped: np.ndarray, first: int) -> list[Request]:
        """Hands out ended sequences and closes the gaps they leave."""
        ended: list[Request] = []
        for slot in slots.tolist():
            ended += self._finish(self.live[slot], "stop" if stopped[slot - first] else "length")
        remaining = len(self.live) - len(slots)
        gaps = slots[slots < remaining].tolist()
        tail = np.arange(remaining, len(self.live))
        movers = tail[~np.isin(tail, slots)].tolist()
        if gaps:
            for gap, mover in zip(gaps, movers, strict=True):
                self.cache.copy(mover, gap, gap + 1, int(self.position[mover]))
            drawn = int(self.count[movers].max())
            for array in (self.last, self.position, self.inverse, self.greedy, self.count, self.limit, self.seed,
                          self.stops, self.ids[:, :drawn], self.logprobs[:, :drawn]):  # fmt: skip
                array[gaps] = array[movers]
            for gap, mover in zip(gaps, movers, strict=True):
                self.live[gap] = self.live[mover]
                self.live[gap].slot = gap
        del self.live[remaining:]
        return ended

    def _finish(self, sequence: Sequence, reason: str) -> list[Request]:
        """Files a sequence's completion; gives its request if that was the last one missing."""
        request, slot = sequence.request, sequence.slot
        self._release(sequence)
        if request.cancelled:
            return []
        drawn = int(self.count[slot]) if slot >= 0 else 0
        request.done[sequence.index] = Completion(
            self.ids[slot, :drawn].tolist(), self.logprobs[slot, :drawn].tolist(), reason, sequence.prompt
        )
        request.missing -= 1
        return [] if request.missing else [request]

    def _release(self, sequence: Sequence) -> None:
        prompt = sequence.prompt
        prompt.users -= 1
        if sequence in prompt.holders:
            prompt.holders.remove(sequence)
        if not prompt.users and self.prompts.get(prompt.key) is prompt:
            del self.prompts[prompt.key]


def _alike(sequences: list[Sequence]) -> list[Sequence]:
    """The first sequences whose prompts have one aligned length, no more than fit one call of the model."""
    length = align(len(sequences[0].prompt.ids))
    most = max(1, PREFILL_TOKENS // length)
    alike = []
    for sequence in sequences[:most]:
        if align(len(sequence.prompt.ids)) != length:
            break
        alike.append(sequence)
    return alike
