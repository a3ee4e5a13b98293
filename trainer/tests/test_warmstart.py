import json
import random

import pytest
import torch
import transformers
from torch.nn.functional import cross_entropy

from ropewalk_trainer import lean, tiny, warmstart


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    out = tmp_path_factory.mktemp("warm") / "m"
    tiny.make(out, layers=1, width=64, intermediate=64, heads=2, kv_heads=1, tied=True)
    return out


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The larger of two digits; prompts of two lengths."""
    path = tmp_path_factory.mktemp("examples") / "train.jsonl"
    draw = random.Random(1)
    rows = []
    for _ in range(3000):
        a, b = draw.randrange(10), draw.randrange(10)
        prompt = f"{a}|{b}=" if draw.random() < 0.7 else f"which, {a} or {b}? {a}|{b}="
        rows.append({"prompt": prompt, "completion": str(max(a, b))})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(model, examples, out, *more):
    return warmstart.main(
        ["--model", str(model), "--out", str(out), "--examples", str(examples), "--batch", "64", "--lr", "5e-3",
         "--warmup", "10", *more]
    )  # fmt: skip


def test_learns_until_the_goal_and_writes_a_model(model, examples, tmp_path, capsys):
    out = tmp_path / "warm"
    goal = ["--eval", str(examples), "--stop-accuracy", "0.8", "--eval-every", "20", "--eval-samples", "200"]
    assert run(model, examples, out, "--steps", "600", *goal) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert summary["reached"] and summary["accuracy"][0] >= 0.8 and summary["steps"] < 600
    assert "% right" in printed.err and "s left" in printed.err
    # transformers finds the same tied model, with its tokenizer, and it is as good there.
    module = transformers.AutoModelForCausalLM.from_pretrained(out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    assert module.config.tie_word_embeddings is True
    right = 0
    for row in map(json.loads, examples.read_text().splitlines()[:100]):
        ids = torch.tensor([tokenizer.encode(row["prompt"])])
        with torch.no_grad():
            first = module(ids).logits[0, -1].softmax(-1)
        right += float(first[tokenizer.encode(row["completion"])[0]])
    assert right > 70


def test_is_deterministic(model, examples, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert run(model, examples, tmp_path / name, "--steps", "4", "--seed", seed) == 0
    a, b, c = ((tmp_path / n / "model.safetensors").read_bytes() for n in "abc")
    assert a == b != c


def test_warns_when_the_goal_is_not_reached(model, examples, tmp_path, capsys):
    goal = ["--eval", str(examples), "--stop-accuracy", "0.99", "--eval-samples", "50"]
    assert run(model, examples, tmp_path / "warm", "--steps", "2", *goal) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["reached"] is False
    assert "did not reach 99%" in printed.err
    assert (tmp_path / "warm" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{bad", "not JSON"),
        ('["a"]', "found list"),
        ('{"prompt": "1="}', "key completion: expected a text, found None"),
        ('{"prompt": 1, "completion": "1"}', "key prompt"),
        ('{"prompt": "", "completion": "1"}', "0 + 1 tokens"),
    ],
)
def test_names_the_bad_line(model, tmp_path, capsys, line, says):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"prompt": "1=", "completion": "1"}\n' + line + "\n")
    assert run(model, path, tmp_path / "out", "--steps", "1") == 3
    err = capsys.readouterr().err
    assert f"{path}:2: " in err and says in err
    assert not (tmp_path / "out").exists()


def test_refuses_missing_files_and_an_existing_folder(model, examples, tmp_path, capsys):
    assert run(model, tmp_path / "none.jsonl", tmp_path / "out", "--steps", "1") == 3
    assert run(tmp_path / "none", examples, tmp_path / "out", "--steps", "1") == 3
    assert run(model, examples, tmp_path, "--steps", "1") == 2
    assert "exists already" in capsys.readouterr().err


FAMILIES = {
    "qwen3": (transformers.Qwen3Config, {"head_dim": 16, "tie_word_embeddings": True}),
    "qwen2": (transformers.Qwen2Config, {}),
    "llama": (transformers.LlamaConfig, {"num_key_value_heads": 4}),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("first", [0, 5])
def test_lean_forward_is_that_of_transformers(family, first):
    kind, more = FAMILIES[family]
    base = {
        "vocab_size": 40, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 50, "initializer_range": 0.15,
    }  # fmt: skip
    torch.manual_seed(3)
    module = transformers.AutoModelForCausalLM.from_config(kind(**{**base, **more}))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.normal_(1.0, 0.3)
    ids = torch.randint(0, 40, (3, 12))

    def gradients(states):
        module.zero_grad()
        logits = module.lm_head(states[:, :-1]).flatten(0, 1)
        cross_entropy(logits, ids[:, first + 1 :].flatten()).backward()
        return {name: parameter.grad.clone() for name, parameter in module.named_parameters()}

    wanted = module.model(input_ids=ids, use_cache=False).last_hidden_state[:, first:]
    got = lean.hidden(module, ids, first)
    torch.testing.assert_close(got, wanted, atol=2e-5, rtol=0)
    expected = gradients(wanted)
    for name, gradient in gradients(got).items():
        torch.testing.assert_close(gradient, expected[name], atol=2e-5, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")


def test_loss_is_that_of_completions_and_ends_only(model):
    module = transformers.AutoModelForCausalLM.from_pretrained(model)
    group = [warmstart.Example([5, 6, 7, 8, 1], 3), warmstart.Example([9, 10, 11, 1], 2)]
    wanted = 0.0
    for example in group:
        logits = module(torch.tensor([example.ids])).logits[0]
        targets = torch.tensor(example.ids[example.start :])
        wanted += cross_entropy(logits[example.start - 1 : -1], targets, reduction="sum")
    torch.testing.assert_close(warmstart.loss_sum(module, group), wanted)


def test_batches_visit_every_example_in_each_pass():
    examples = [warmstart.Example([i], 1) for i in range(10)]
    stream = warmstart.batches(examples, 4, 0)
    seen = [e.ids[0] for _ in range(5) for e in next(stream)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:] and seen[:10] != list(range(10))
    torch.rand(3)  # nobody else's random numbers matter
    again = warmstart.batches(examples, 20, 0)
    assert [e.ids[0] for e in next(again)] == seen


def test_groups_keep_lengths_together():
    batch = [warmstart.Example([0] * n, 1) for n in (16, 45, 16, 16, 44, 3)]
    assert [[len(e.ids) for e in g] for g in warmstart.groups(batch)] == [[3], [16, 16, 16], [44, 45]]
