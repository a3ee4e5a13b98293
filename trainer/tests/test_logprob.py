"""Chunked log-probabilities against the naive formula, value and gradient."""

import pytest
import torch

from ropewalk_trainer.logprob import token_logprobs


def naive(hidden, head, bias, target, temperature):
    logits = torch.nn.functional.linear(hidden, head, bias) / temperature[:, None]
    logp = logits.log_softmax(-1)
    return logp.gather(1, target[:, None])[:, 0], -(logp.exp() * logp).sum(-1)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100, 0])
@pytest.mark.parametrize("with_bias", [False, True])
def test_chunked_is_naive(chunk, with_bias):
    torch.manual_seed(chunk)
    tokens, width, vocabulary = 7, 5, 37
    hidden = torch.randn(tokens, width, requires_grad=True)
    head = torch.randn(vocabulary, width, requires_grad=True)
    bias = torch.randn(vocabulary, requires_grad=True) if with_bias else None
    target = torch.randint(0, vocabulary, (tokens,))
    temperature = torch.tensor([1.7, 1, 1, 0.5, 1, 3, 1])
    weight = torch.randn(tokens)
    inputs = [x for x in (hidden, head, bias) if x is not None]

    want, want_entropy = naive(hidden, head, bias, target, temperature)
    want_gradient = torch.autograd.grad((want * weight).sum(), inputs)
    got, entropy = token_logprobs(hidden, head, bias, target, temperature, chunk)
    gradient = torch.autograd.grad((got * weight).sum(), inputs)

    assert not entropy.requires_grad
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(entropy, want_entropy, atol=1e-5, rtol=1e-5)
    for a, b in zip(gradient, want_gradient, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_worked_example():
    """Logits 2, 1, 0, target 1, temperature 2."""
    hidden = torch.tensor([[2.0, 1.0, 0.0]], requires_grad=True)
    logp, entropy = token_logprobs(hidden, torch.eye(3), None, torch.tensor([1]), torch.tensor([2.0]))
    logp.sum().backward()
    torch.testing.assert_close(logp.detach(), torch.tensor([-1.18027]), atol=1e-5, rtol=0)
    torch.testing.assert_close(entropy, torch.tensor([1.020191]), atol=1e-5, rtol=0)
    torch.testing.assert_close(hidden.grad, torch.tensor([[-0.25324, 0.346402, -0.093162]]), atol=1e-5, rtol=0)


def test_no_tokens():
    hidden = torch.randn(0, 4, requires_grad=True)
    logp, _ = token_logprobs(hidden, torch.randn(9, 4), None, torch.zeros(0, dtype=torch.long), torch.ones(0))
    logp.sum().backward()
    assert logp.shape == (0,) and hidden.grad.shape == (0, 4)
