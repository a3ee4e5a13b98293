"""Whole steps: what they move, what they leave, what they report."""

import math

import making
import numpy as np
import pytest
import torch
from making import CPU

from ropewalk_trainer import loss, model, pack, step
from ropewalk_trainer.config import Config, Run, Sampling, Trainer
from ropewalk_trainer.optim import Optimizer


def learner(policy, **settings):
    settings = {"lr": 1e-2, "weight_decay": 0.0, **settings}
    c = Config(run=Run(steps=10), sampling=Sampling(max_tokens=8), trainer=Trainer(**settings))
    return step.Learner(policy, None, Optimizer(policy.parameters(), c.trainer, 10), c)


def copies(policy):
    return {name: p.detach().clone() for name, p in policy.parameters().items()}


def finite(metrics):
    return all(math.isfinite(value) for value in metrics.values())


def on_policy(policy, batch):
    """The batch with the trainer's own log-probabilities as the sampler's."""
    with torch.no_grad():
        for micro in pack.pack(batch, pack.Limits(100000)):
            batch.logprobs[micro.token_T] = policy.logprobs(micro)[0].numpy()
    return batch


def test_every_parameter_moves(policy, tmp_path):
    before = copies(policy)
    metrics = step.train(learner(policy), making.batch(tmp_path, seed=1), 0)
    assert finite(metrics) and metrics["grad_norm"] > 0
    assert not [name for name, p in policy.parameters().items() if torch.equal(p, before[name])]


def test_tied_head_stays_tied(folders, tmp_path):
    policy = model.load(folders[True], CPU)
    step.train(learner(policy), making.batch(tmp_path, seed=1), 0)
    assert policy.tied and policy.head is policy.module.get_input_embeddings().weight
    assert not model.load(folders[False], CPU).tied


@pytest.mark.parametrize("name", ["pg", "ppo"])
@pytest.mark.parametrize("what", ["no-advantage", "no-weight", "no-rows"])
def test_nothing_to_learn_moves_nothing(policy, tmp_path, name, what):
    r = making.Rows([]) if what == "no-rows" else making.rows(seed=1)
    for row in r.rows:
        row["advantage" if what == "no-advantage" else "weight"] = 0.0
    before = copies(policy)
    metrics = step.train(learner(policy, loss=name), making.batch(tmp_path, r), 0)
    assert finite(metrics) and metrics["loss"] == 0 and metrics["grad_norm"] == 0
    assert all(torch.equal(p, before[n]) for n, p in policy.parameters().items())


def test_singleton_batch(policy, tmp_path):
    r = making.rows(seed=1, groups=1, size=1, prompt=(1, 2), completion=(1, 2))
    before = copies(policy)
    metrics = step.train(learner(policy), making.batch(tmp_path, r), 0)
    assert finite(metrics) and metrics["tokens_trained"] == 1 and metrics["reward_std"] == 0
    assert any(not torch.equal(p, before[n]) for n, p in policy.parameters().items())


@pytest.mark.parametrize("name", ["pg", "ppo"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_advantages_raise_and_lower_what_they_should(policy, tmp_path, name, sign):
    r = making.rows(seed=4, groups=1, size=2, completion=(6, 7))
    target, other = r.rows
    target.update(advantage=sign, weight=1.0)
    other.update(weight=0.0)
    batch = making.batch(tmp_path, r)
    learn = learner(policy, loss=name, lr=1e-3)

    def likelihood():
        with torch.no_grad():
            return float(sum(policy.logprobs(m)[0].sum() for m in pack.pack(batch, learn.limits)))

    before = likelihood()
    for i in range(5):
        step.train(learn, on_policy(policy, batch), i)
    assert (likelihood() - before) * sign > 0.5


def test_on_policy_metrics(policy, tmp_path):
    batch = on_policy(policy, making.batch(tmp_path, seed=1))
    metrics = step.accumulate(learner(policy), batch, pack.pack(batch, pack.Limits(100000)))
    assert metrics["kl_sampler_trainer"] < 1e-10 and metrics["kl_sampler_trainer_max"] < 1e-8
    assert metrics["ratio_mean"] == pytest.approx(1, abs=1e-5) and metrics["clip_fraction"] == 0


def test_metrics_by_hand(policy, tmp_path):
    batch = making.batch(tmp_path, seed=1)
    metrics = step.accumulate(learner(policy, ratio_cap=1.0), batch, pack.pack(batch, pack.Limits(30)))
    new = torch.zeros(len(batch.completion))
    with torch.no_grad():
        for m in pack.pack(batch, pack.Limits(100000)):
            new[m.token_T] = policy.logprobs(m)[0]
    trained = torch.from_numpy(np.repeat(batch.weight != 0, np.diff(batch.start)))
    log_r = (new - torch.from_numpy(batch.logprobs))[trained]
    assert metrics["tokens_trained"] == int(trained.sum()) == batch.denominator_tokens
    assert metrics["ratio_mean"] == pytest.approx(log_r.exp().mean().item(), rel=1e-4)
    assert metrics["ratio_max"] == pytest.approx(log_r.exp().max().item(), rel=1e-4)
    assert metrics["clip_fraction"] == pytest.approx((log_r > 0).float().mean().item())
    assert metrics["kl_sampler_trainer"] == pytest.approx(loss.k3(log_r).mean().item(), rel=1e-4)
    assert metrics["kl_sampler_trainer_max"] == pytest.approx(loss.k3(log_r).max().item(), rel=1e-4)
    assert metrics["reward"] == pytest.approx(batch.reward.mean())
    assert metrics["sequences"] == 20 and "kl_reference" not in metrics


def test_kl_to_the_reference_pulls_back(folders, tmp_path):
    """Without advantages only the KL term moves the policy, towards the reference."""
    policy = model.load(folders[True], CPU)
    reference = making.policy(tmp_path / "reference", seed=5)
    r = making.rows(seed=1)
    for row in r.rows:
        row["advantage"] = 0.0
    batch = making.batch(tmp_path, r)
    base = learner(policy, kl=1.0, lr=3e-3)
    learn = step.Learner(policy, reference, base.optimizer, base.config)
    found = [step.train(learn, batch, i)["kl_reference"] for i in range(6)]
    assert found[0] > 0.1 and found == sorted(found, reverse=True) and found[-1] < 0.8 * found[0]


def test_an_abandoned_step_moves_nothing(policy, tmp_path):
    class Abandoned(Exception):
        pass

    calls = []

    def second():
        calls.append(1)
        if len(calls) == 2:
            raise Abandoned

    before = copies(policy)
    learn = learner(policy, micro_tokens=30)
    batch = making.batch(tmp_path, seed=1)
    with pytest.raises(Abandoned):
        step.train(learn, batch, 0, second)
    assert all(torch.equal(p, before[n]) for n, p in policy.parameters().items())
    fresh = model.load(making.model_folder(tmp_path / "same", tied=policy.tied), CPU)
    for p, q in zip(policy.parameters().values(), fresh.parameters().values(), strict=True):
        q.data.copy_(p.data)
    step.train(learn, batch, 0)
    step.train(learner(fresh, micro_tokens=30), batch, 0)
    assert all(torch.equal(p, fresh.parameters()[n]) for n, p in policy.parameters().items())
