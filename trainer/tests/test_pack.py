"""Packing changes nothing: log-probabilities, loss and gradient are those of one sequence at a time."""

import dataclasses

import making
import numpy as np
import pytest
import torch

from ropewalk_trainer import loss, pack
from ropewalk_trainer.config import Config, Trainer
from ropewalk_trainer.step import Learner, accumulate

MEANS = "kl_sampler_trainer kl_reference entropy ratio_mean clip_fraction tokens_trained ratio_max".split()

LIMITS = [
    pack.Limits(100000),
    pack.Limits(60),
    pack.Limits(1),
    pack.Limits(100000, share_prefix=False),
    pack.Limits(50, share_prefix=False),
    pack.Limits(100000, attention_scale=4.0),
]
NAMES = ["shared", "shared-small", "one-row-each", "plain", "plain-small", "few-per-row"]


def one_by_one(policy, batch):
    """The reference: every rollout by itself through the model's own forward pass, full logits."""
    logprobs = torch.zeros(len(batch.completion))
    total = torch.zeros(())
    for r in np.flatnonzero(batch.weight):
        part = slice(batch.start[r], batch.start[r + 1])
        prompt = torch.from_numpy(batch.prompts[batch.group[r]])
        target = torch.from_numpy(batch.completion[part])
        logits = policy.module(input_ids=torch.cat([prompt, target])[None]).logits[0, len(prompt) - 1 : -1]
        new = (logits / float(batch.temperature[r])).log_softmax(-1).gather(1, target[:, None])[:, 0]
        tokens = loss.Tokens(
            new,
            torch.from_numpy(batch.logprobs[part]),
            torch.full_like(new, float(batch.advantage[r])),
            torch.full_like(new, float(batch.weight[r])),
        )
        total = total + loss.total("pg", tokens, loss.Settings(), float(batch.denominator_tokens))[0]
        logprobs[part] = new.detach()
    total.backward()
    return logprobs, float(total.detach()), taken(policy)


def packed(policy, batch, limits):
    logprobs, total = torch.zeros(len(batch.completion)), 0.0
    for micro in pack.pack(batch, limits):
        new, _ = policy.logprobs(micro)
        tokens = loss.Tokens(new, micro.sampler_T, micro.advantage_T, micro.weight_T)
        value, _ = loss.total("pg", tokens, loss.Settings(), float(batch.denominator_tokens))
        value.backward()
        total += float(value.detach())
        logprobs[micro.token_T] = new.detach()
    return logprobs, total, taken(policy)


def taken(policy):
    """The gradients, removed from the parameters."""
    gradients = {name: p.grad.clone() for name, p in policy.parameters().items()}
    policy.module.zero_grad(set_to_none=True)
    return gradients


def difference(a, b):
    """Largest difference in log-probabilities, loss and gradients."""
    gradients = max(float((a[2][name] - b[2][name]).abs().max()) for name in a[2])
    return max(float((a[0] - b[0]).abs().max()), abs(a[1] - b[1]), gradients)


@pytest.mark.parametrize("limits", LIMITS, ids=NAMES)
def test_packed_is_one_by_one(policy, tmp_path, limits):
    batch = making.batch(tmp_path, seed=2, groups=6, size=4)
    assert difference(one_by_one(policy, batch), packed(policy, batch, limits)) < 1e-5


@pytest.mark.parametrize("limits", LIMITS, ids=NAMES)
def test_every_trained_token_once_and_within_the_limit(tmp_path, limits):
    batch = making.batch(tmp_path, seed=3, groups=9, size=5)
    micros = pack.pack(batch, limits)
    places = torch.cat([m.token_T for m in micros]).tolist()
    trained = np.repeat(batch.weight != 0, np.diff(batch.start))
    assert sorted(places) == np.flatnonzero(trained).tolist()
    for m in micros:
        assert m.tokens_capacity <= limits.micro_tokens or m.ids_BL.shape[0] == 1
        assert m.tokens_real <= m.tokens_capacity


def test_prefix_is_computed_once_per_row(tmp_path):
    batch = making.batch(tmp_path, seed=3, groups=3, size=4, prompt=(20, 21), completion=(2, 4))
    lengths, weighed = np.diff(batch.start), batch.weight != 0
    shared, plain = (pack.pack(batch, pack.Limits(10000, share_prefix=s)) for s in (True, False))
    assert sum(m.tokens_real for m in shared) == 3 * 20 + lengths[weighed].sum()
    assert sum(m.tokens_real for m in plain) == (weighed * (20 + lengths)).sum()
    assert all(m.mask_B1LL is None for m in plain) and all(m.mask_B1LL is not None for m in shared)


def ones(m):
    return torch.ones_like(m.mask_B1LL)


def causal(m):
    return ones(m).tril()


@pytest.mark.parametrize("mask", [ones, causal], ids=["all-ones", "sees-siblings"])
def test_a_wrong_mask_is_seen(policy, tmp_path, monkeypatch, mask):
    """The comparison of test_packed_is_one_by_one must fail when siblings see each other."""
    batch = making.batch(tmp_path, seed=2, groups=6, size=4)
    honest = pack.pack

    def wrong(batch, limits):
        return [dataclasses.replace(m, mask_B1LL=mask(m)) for m in honest(batch, limits)]

    monkeypatch.setattr(pack, "pack", wrong)
    spoiled = packed(policy, batch, LIMITS[0])
    assert difference(one_by_one(policy, batch), spoiled) > 1e-3


def test_sibling_mask():
    mask = pack.sibling_mask(torch.tensor([[0, 0, 1, 2, 2, -1]]))[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 0, 1, 0, 0],
        [1, 1, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]


def test_long_completions_get_rows_of_their_own(tmp_path):
    """A row of all siblings would pay for attention between them: sharing a short prompt is not worth it."""
    batch = making.batch(tmp_path, seed=1, groups=1, size=4, prompt=(3, 4), completion=(400, 401))
    scale = pack.Limits(100000, attention_scale=192.0)
    assert [len(row.rollouts) for row in pack.plan_rows(batch, scale)] == [1, 1, 1, 1]
    batch = making.batch(tmp_path, seed=1, groups=1, size=4, prompt=(400, 401), completion=(3, 4))
    assert [len(row.rollouts) for row in pack.plan_rows(batch, scale)] == [4]


def test_buckets_are_the_cheapest():
    """Against all ways to cut a few rows."""
    lengths, limit, scale = np.array([90, 80, 33, 31, 30, 10, 9, 4]), 200, 100.0

    def cost(cuts):
        parts = list(zip(cuts[:-1], cuts[1:], strict=True))
        if any((b - a) * lengths[a] > limit and b - a > 1 for a, b in parts):
            return float("inf")
        return sum(pack.FIXED + (b - a) * lengths[a] * (1 + lengths[a] / scale) for a, b in parts)

    inner = range(2 ** (len(lengths) - 1))
    ways = [[0, *(i + 1 for i in range(len(lengths) - 1) if bits >> i & 1), len(lengths)] for bits in inner]
    assert cost(pack.bucket(lengths, limit, scale)) == pytest.approx(min(map(cost, ways)))


@pytest.mark.parametrize("name", ["pg", "ppo"])
@pytest.mark.parametrize("normalise", ["tokens", "constant"])
def test_loss_and_gradient_do_not_depend_on_the_split(policy, tmp_path, name, normalise):
    """Micro-batches of any size, and rows in another order, give the same loss and gradient."""
    r = making.rows(seed=5, groups=6, size=4)
    outcomes = []
    reference = making.policy(tmp_path / "reference", seed=9)
    for i, (micro_tokens, groups) in enumerate([(100000, range(6)), (40, range(6)), (70, (3, 0, 5, 1, 4, 2))]):
        moved = [dict(row) for g in groups for row in r.rows if row["group_id"] == g]
        for place, row in enumerate(moved):
            row["group_id"] = place // 4
        batch = making.batch(tmp_path / str(i), making.Rows(moved))
        settings = Trainer(loss=name, normalise=normalise, micro_tokens=micro_tokens, kl=0.1)
        learner = Learner(policy, reference, None, Config(trainer=settings))
        m = accumulate(learner, batch, pack.pack(batch, learner.limits))
        outcomes.append((torch.zeros(1), m["loss"], taken(policy), m))
    for other in outcomes[1:]:
        assert difference(outcomes[0], other) < 1e-6
        for key in MEANS:
            assert other[3][key] == pytest.approx(outcomes[0][3][key], rel=1e-5), key
