import math

import pytest
import torch

from ropewalk_trainer.config import Trainer
from ropewalk_trainer.optim import Optimizer, learning_rate


def one(value, **settings):
    """An optimiser over one 1 × 1 matrix."""
    p = torch.nn.Parameter(torch.tensor([[value]]))
    return p, Optimizer({"p": p}, Trainer(**settings), 10)


def test_first_step_by_hand():
    p, optimizer = one(1.0, lr=0.1, weight_decay=0.01, beta1=0.9, beta2=0.999, grad_clip=10.0)
    p.grad = torch.tensor([[0.5]])
    norm, rate = optimizer.apply(0)
    assert (norm, rate) == (0.5, 0.1)
    assert p.item() == pytest.approx(0.899000002, abs=1e-7)
    assert p.grad is None


def test_vectors_are_not_decayed():
    vector = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer({"v": vector}, Trainer(lr=0.1, weight_decay=0.5), 10)
    vector.grad = torch.zeros(3)
    optimizer.apply(0)
    assert torch.equal(vector, torch.ones(3))


@pytest.mark.parametrize(("clip", "used"), [(1.0, 1.0), (100.0, 5.0), (0.0, 5.0)])
def test_gradients_are_clipped_by_global_norm(clip, used):
    a, b = torch.nn.Parameter(torch.zeros(1, 1)), torch.nn.Parameter(torch.zeros(1, 1))
    optimizer = Optimizer({"a": a, "b": b}, Trainer(lr=0.1, grad_clip=clip), 10)
    a.grad, b.grad = torch.tensor([[3.0]]), torch.tensor([[4.0]])
    norm, _ = optimizer.apply(0)
    assert norm == pytest.approx(5.0)
    moments = [optimizer.adamw.state[p]["exp_avg"].item() for p in (a, b)]
    assert moments == pytest.approx([0.1 * used * 0.6, 0.1 * used * 0.8])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_gradients_that_are_not_finite_move_nothing(bad):
    p, optimizer = one(1.0, lr=0.1)
    p.grad = torch.tensor([[0.5]])
    optimizer.apply(0)
    before, state = p.item(), {k: v.clone() for k, v in optimizer.state().items()}
    p.grad = torch.tensor([[bad]])
    norm, _ = optimizer.apply(1)
    assert not math.isfinite(norm) and optimizer.skipped == 1 and p.item() == before
    assert all(torch.equal(state[k], v) for k, v in optimizer.state().items())


def test_state_is_restored_to_the_bit():
    torch.manual_seed(0)
    start, gradients = torch.randn(4, 3), torch.randn(5, 4, 3)

    def fresh():
        p = torch.nn.Parameter(start.clone())
        return p, Optimizer({"p": p}, Trainer(lr=0.1), 10)

    p, optimizer = fresh()
    for step in range(3):
        p.grad = gradients[step].clone()
        optimizer.apply(step)
    q, resumed = fresh()
    q.data.copy_(p.data)
    resumed.restore({k: v.clone() for k, v in optimizer.state().items()})
    for step in (3, 4):
        p.grad, q.grad = gradients[step].clone(), gradients[step].clone()
        optimizer.apply(step)
        resumed.apply(step)
    assert torch.equal(p, q)


def test_schedules():
    constant = Trainer(lr=1.0, warmup=3)
    assert [learning_rate(constant, s, 10) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    cosine = Trainer(lr=2.0, schedule="cosine", warmup=1, min_lr=0.1)
    rates = [learning_rate(cosine, s, 6) for s in range(6)]
    assert rates[0] == 1.0 and rates[1] == 2.0 and rates[-1] == pytest.approx(0.2)
    assert rates[3] == pytest.approx(0.2 + 0.9 * 2 * 0.5) and rates[1:] == sorted(rates[1:], reverse=True)
    assert learning_rate(cosine, 50, 6) == pytest.approx(0.2)
    assert learning_rate(Trainer(lr=1.0, schedule="cosine"), 0, 1) == 1.0
