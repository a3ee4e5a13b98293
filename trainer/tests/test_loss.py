"""Loss values and gradients by hand. Most use old = -1 and ratios .5, 1, 1.5 with advantages 1, -1, 2."""

import math

import pytest
import torch

from ropewalk_trainer import loss
from ropewalk_trainer.loss import LOSSES, Settings, Tokens

OLD = torch.full((3,), -1.0)
NEW = torch.tensor([-1.693147, -1.0, -0.594535])
ADVANTAGE = torch.tensor([1.0, -1.0, 2.0])
ONES = torch.ones(3)


def run(name, settings, new=NEW, old=OLD, advantage=ADVANTAGE):
    new = new.clone().requires_grad_()
    parts = LOSSES[name](Tokens(new, old, advantage, torch.ones_like(new)), settings)
    parts.loss_T.sum().backward()
    return parts.loss_T.detach(), new.grad, parts.clipped_T


@pytest.mark.parametrize(
    ("settings", "values", "gradient", "clipped"),
    [
        (Settings(), [-0.5, 1.0, -2.4], [-0.5, 1.0, 0.0], [False, False, True]),
        (Settings(clip_high=0.28), [-0.5, 1.0, -2.56], [-0.5, 1.0, 0.0], [False, False, True]),
        (Settings(clip_high=0.6), [-0.5, 1.0, -3.0], [-0.5, 1.0, -3.0], [False, False, False]),
    ],
)
def test_ppo_vectors(settings, values, gradient, clipped):
    got, slope, cut = run("ppo", settings)
    torch.testing.assert_close(got, torch.tensor(values), atol=1e-5, rtol=0)
    torch.testing.assert_close(slope, torch.tensor(gradient), atol=1e-5, rtol=0)
    assert cut.tolist() == clipped


def test_ppo_clips_falling_ratios_of_bad_tokens_only():
    _, slope, cut = run("ppo", Settings(), advantage=torch.tensor([-1.0, -1.0, -2.0]))
    assert cut.tolist() == [True, False, False]
    torch.testing.assert_close(slope, torch.tensor([0.0, 1.0, 3.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("cap", "weights"), [(2.0, [0.5, 1.0, 1.5]), (1.2, [0.5, 1.0, 1.2])])
def test_policy_gradient_vectors(cap, weights):
    got, slope, cut = run("pg", Settings(ratio_cap=cap))
    weight = torch.tensor(weights)
    torch.testing.assert_close(got, -weight * ADVANTAGE * NEW, atol=1e-5, rtol=0)
    torch.testing.assert_close(slope, -weight * ADVANTAGE, atol=1e-5, rtol=0)
    assert cut.tolist() == [False, False, cap < 1.5]


def test_policy_gradient_on_policy_is_reinforce():
    """log π = -.5, -1, -1.5 with advantages 1, -1, 2: mean loss .8333."""
    new = torch.tensor([-0.5, -1.0, -1.5])
    got, _, _ = run("pg", Settings(), new=new, old=new)
    assert got.mean().item() == pytest.approx((0.5 - 1.0 + 3.0) / 3)


def test_on_policy_gradients_agree():
    """Sampler equal to trainer: ratio 1, no mismatch, and PPO's gradient is REINFORCE's."""
    _, pg, cut_pg = run("pg", Settings(), new=OLD)
    _, ppo, cut_ppo = run("ppo", Settings(), new=OLD)
    assert torch.equal(pg, -ADVANTAGE) and torch.equal(ppo, -ADVANTAGE)
    assert not cut_pg.any() and not cut_ppo.any()
    assert loss.k3(OLD - OLD).tolist() == [0, 0, 0]


def test_k3_vectors():
    new = torch.tensor([-1.0, -1.0, -1.0])
    reference = torch.tensor([0.0, -0.5, -2.0])
    torch.testing.assert_close(
        loss.k3(reference - new), torch.tensor([0.718282, 0.148721, 0.367879]), atol=1e-6, rtol=0
    )
    ratio = torch.tensor([1.5, 1.25, 0.4, 1.5, 0.5])
    want = torch.tensor([0.094535, 0.026856, 0.316291, 0.094535, 0.193147])
    torch.testing.assert_close(loss.k3(ratio.log()), want, atol=1e-6, rtol=0)


def test_kl_term_and_weights_enter_the_total():
    new = NEW.clone().requires_grad_()
    weight = torch.tensor([1.0, 0.5, 0.0])
    tokens = Tokens(new, NEW, ADVANTAGE, weight, reference_T=OLD)
    value, _ = loss.total("pg", tokens, Settings(kl=0.1), 4.0)
    value.backward()
    d = OLD - NEW
    per_token = -ADVANTAGE * NEW + 0.1 * (d.exp() - 1 - d)
    assert value.item() == pytest.approx(((per_token * weight).sum() / 4).item(), abs=1e-6)
    want = weight * (-ADVANTAGE + 0.1 * (1 - d.exp())) / 4
    torch.testing.assert_close(new.grad, want, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_ratios_stay_finite(name):
    new, old = torch.tensor([-1e4, 0.0, -5.0]), torch.tensor([0.0, -1e4, -1e4])
    values, gradient, _ = run(name, Settings(), new=new, old=old)
    assert values.isfinite().all() and gradient.isfinite().all()


def test_denominators():
    """Losses 1 2 | 3 4 5 | 7: token mean 22/6, constant of 10 tokens a sequence 22/30."""
    assert 22 / loss.denominator("tokens", 6, 3, 10) == pytest.approx(3.666667, abs=1e-6)
    assert 22 / loss.denominator("constant", 6, 3, 10) == pytest.approx(0.733333, abs=1e-6)
    assert loss.denominator("tokens", 0, 0, 10) == loss.denominator("constant", 0, 0, 10) == 1.0


def test_split_totals_add_up_and_means_of_means_do_not():
    values = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0]), torch.tensor([7.0])]

    def total(parts, divisor):
        sums = []
        for part in parts:
            zero = torch.zeros_like(part)
            tokens = Tokens(zero - 1, zero - 1, part, torch.ones_like(part))  # loss per token is its advantage
            sums.append(loss.total("pg", tokens, Settings(), divisor)[0].item())
        return sums

    whole = sum(total([torch.cat(values)], 6.0))
    assert whole == pytest.approx(22 / 6)
    assert sum(total(values, 6.0)) == pytest.approx(whole)
    assert sum(total([torch.cat(values[:2]), values[2]], 6.0)) == pytest.approx(whole)
    means = [sum(total([torch.cat(values[:2])], 5.0)), sum(total([values[2]], 1.0))]
    assert math.fsum(means) / 2 == pytest.approx(5.0) != whole
