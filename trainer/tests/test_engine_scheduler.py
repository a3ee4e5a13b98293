"""Continuous batching: what a sample may depend on, and that nothing leaks."""

import random

import pytest
import torch

from ropewalk_trainer import tiny
from ropewalk_trainer.engine import weights
from ropewalk_trainer.engine.scheduler import Request, Sampling, Scheduler

PROMPTS = [tuple(random.Random(i).choices(range(3, 99), k=1 + 7 * i % 40)) for i in range(24)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    tiny.make(root / "a", seed=1)
    tiny.make(root / "b", seed=2, tied=True)
    tiny.make(root / "other", seed=1, layers=2)
    return root


@pytest.fixture(scope="module")
def loaded(folders):
    return weights.load(folders / "a", 120)


def finish(scheduler):
    steps = 0
    while scheduler.busy:
        scheduler.step()
        steps += 1
        assert steps < 10_000
    assert not scheduler.live and not scheduler.prompts and scheduler.joining is None


def results(request):
    return [(c.ids, c.logprobs, c.reason) for c in request.done]


def ask(i, n=3, limit=20, **more):
    return Request([PROMPTS[i]], n, 1000 * i, Sampling(limit, 1.0, (1, 5, 9)), **more)


def test_samples_depend_on_weights_prompt_and_seed_only(loaded):
    alone = []
    for i in range(len(PROMPTS)):
        request = ask(i)
        scheduler = Scheduler(loaded, 4)
        scheduler.add(request)
        finish(scheduler)
        alone.append(results(request))
    # One at a time as n = 1 requests, backwards, arriving while others are under way, in a cache too small for all.
    scheduler = Scheduler(loaded, 10)
    singles = {}
    for i in reversed(range(len(PROMPTS))):
        for sample in range(3):
            singles[i, sample] = Request([PROMPTS[i]], 1, 1000 * i + sample, Sampling(20, 1.0, (1, 5, 9)))
            scheduler.add(singles[i, sample])
            scheduler.step()
    finish(scheduler)
    for i, wanted in enumerate(alone):
        assert [results(singles[i, sample])[0] for sample in range(3)] == wanted
    assert len({tuple(ids) for request in alone for ids, _, _ in request}) > 60  # seeds do differ
    assert {reason for request in alone for _, _, reason in request} == {"stop", "length"}


def test_log_probabilities_are_those_of_the_model(loaded, folders):
    import transformers

    module = transformers.AutoModelForCausalLM.from_pretrained(folders / "a")
    request = Request([PROMPTS[5], PROMPTS[9]], 2, 3, Sampling(15, 0.6), scored=True)
    scheduler = Scheduler(loaded, 8)
    scheduler.add(request)
    finish(scheduler)
    assert [len(c.ids) for c in request.done] == [15] * 4
    for done in request.done:
        prompt = list(done.prompt.ids)
        with torch.no_grad():
            logits = module(torch.tensor([prompt + done.ids])).logits[0]
        drawn = (logits[len(prompt) - 1 : -1] / 0.6).log_softmax(-1).gather(1, torch.tensor(done.ids)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(done.logprobs), drawn, atol=1e-5, rtol=0)
        given = logits.log_softmax(-1)[: len(prompt) - 1]
        wanted = given.gather(1, torch.tensor(prompt[1:])[:, None])
        torch.testing.assert_close(torch.tensor([s for s, _ in done.prompt.scores]), wanted[:, 0], atol=1e-5, rtol=0)
        assert [rank for _, rank in done.prompt.scores] == ((given > wanted).sum(1) + 1).tolist()


def test_a_prompt_is_computed_once_while_it_lives(loaded):
    scheduler = Scheduler(loaded, 16)
    scheduler.add(ask(7, n=4))
    scheduler.add(ask(7, n=4))
    scheduler.step()
    scheduler.add(ask(7, n=2))
    scheduler.add(ask(7, n=2, salt="x"))
    finish(scheduler)
    assert scheduler.prompt_tokens == 2 * len(PROMPTS[7])


def test_temperature_zero_takes_the_likeliest(loaded):
    request = Request([PROMPTS[3]], 2, 1, Sampling(10, 0.0))
    sampled = Request([PROMPTS[3]], 2, 1, Sampling(10, 1.0))
    scheduler = Scheduler(loaded, 8)
    scheduler.add(sampled)
    scheduler.add(request)
    finish(scheduler)
    first, second = results(request)
    assert first == second
    assert sum(first[1]) > sum(sampled.done[0].logprobs)


def test_abort_frees_the_slot(loaded):
    scheduler = Scheduler(loaded, 2)
    long, short = ask(1, n=2, limit=80), ask(2, n=1, limit=2)
    long.sampling = Sampling(80)
    scheduler.add(long)
    for _ in range(5):
        scheduler.step()
    scheduler.add(short)
    scheduler.step()
    assert scheduler.running == 2 and len(scheduler.waiting) == 1
    scheduler.abort(long)
    finish(scheduler)
    assert long.missing == 2 and short.missing == 0
    waiting = ask(3)
    scheduler.add(waiting)
    scheduler.abort(waiting)
    finish(scheduler)
    assert scheduler.steps < 20


def test_pause_keep_freezes_and_abort_hands_out_what_there_is(loaded):
    scheduler = Scheduler(loaded, 8)
    request = Request([PROMPTS[4]], 2, 5, Sampling(30))
    scheduler.add(request)
    for _ in range(6):
        scheduler.step()
    scheduler.pause("keep")
    steps = scheduler.steps
    scheduler.step()
    assert not scheduler.busy and scheduler.steps == steps
    later = ask(6)
    scheduler.add(later)
    assert scheduler.pause("abort") == [request, later]
    assert {c.reason for c in request.done} == {"abort"}
    assert all(0 < len(c.ids) < 30 for c in request.done)
    assert [c.ids for c in later.done] == [[], [], []]
    scheduler.resume()
    again = Request([PROMPTS[4]], 2, 5, Sampling(30))
    scheduler.add(again)
    finish(scheduler)
    for cut, whole in zip(request.done, again.done, strict=True):
        assert whole.ids[: len(cut.ids)] == cut.ids


def test_load_swaps_whole_or_not_at_all(loaded, folders):
    scheduler, fresh = Scheduler(loaded, 8), Scheduler(weights.load(folders / "b", 120), 8)
    old, new, wanted = ask(8), ask(8), ask(8)
    scheduler.add(old)
    scheduler.step()
    scheduler.step()
    with pytest.raises(ValueError, match="layers 2 instead of 3"):
        scheduler.load(weights.load(folders / "other", 120))
    assert scheduler.weights is loaded
    scheduler.load(weights.load(folders / "b", 120))
    scheduler.add(new)  # the same prompt is under way with the old weights: it must not be shared
    finish(scheduler)
    fresh.add(wanted)
    finish(fresh)
    assert results(new) == results(wanted)
    assert results(old)[0][0][:1] != results(new)[0][0][:1] or results(old) != results(new)


def test_prompts_longer_than_a_chunk(loaded, folders, monkeypatch):
    from ropewalk_trainer.engine import scheduler as module

    whole, parts = Request([tuple(range(3, 99))], 1, 1, Sampling(5), scored=True), None
    scheduler = Scheduler(loaded, 2)
    scheduler.add(whole)
    finish(scheduler)
    monkeypatch.setattr(module, "chunk_size", lambda shape, start: 32)
    parts = Request([tuple(range(3, 99))], 1, 1, Sampling(5), scored=True)
    scheduler.add(parts)
    finish(scheduler)
    assert parts.done[0].ids == whole.done[0].ids
    got = torch.tensor([s for s, _ in parts.done[0].prompt.scores])
    torch.testing.assert_close(got, torch.tensor([s for s, _ in whole.done[0].prompt.scores]), atol=1e-5, rtol=0)
    assert len(got) == 95
