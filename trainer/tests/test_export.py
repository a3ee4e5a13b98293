"""Exports are what transformers loads, proven by their probe, and whole or not there."""

import json

import making
import pytest
import safetensors.torch
import torch
from making import CPU
from transformers import AutoModelForCausalLM

from ropewalk_trainer import durable, export, model, probe
from ropewalk_trainer.failure import InputError


def exporter(root, policy, source, dtype="float32"):
    return export.Exporter(root / "weights", source, policy, dtype, seed=7, context=128)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_fresh_load_gives_the_same_logits(policy, source, tmp_path, dtype):
    e = exporter(tmp_path, policy, source, dtype)
    assert e.export(3) == []
    fresh = AutoModelForCausalLM.from_pretrained(e.path(3), dtype="auto")
    assert fresh.dtype == export.DTYPES[dtype] and fresh.config.tie_word_embeddings is False
    assert fresh.lm_head.weight is not fresh.model.embed_tokens.weight
    ids = torch.randint(0, making.VOCABULARY, (2, 20))
    with torch.no_grad(), probe.rounded(policy, export.DTYPES[dtype]):
        assert torch.equal(fresh.float()(ids).logits, policy.module(ids).logits)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_probe_is_of_the_exported_weights(policy, source, tmp_path, dtype):
    e = exporter(tmp_path, policy, source, dtype)
    before = {n: p.detach().clone() for n, p in policy.parameters().items()}
    batch = making.batch(tmp_path, seed=1)
    e.export(1, batch)
    assert all(torch.equal(p, before[n]) for n, p in policy.parameters().items())
    found = json.loads((e.path(1) / "probe.json").read_text())
    assert found["version"] == 1 and found["temperature"] == 1.0 and len(found["sequences"]) == 4
    fresh = AutoModelForCausalLM.from_pretrained(e.path(1), dtype=torch.float32)
    pasts = {tuple(p) for p in (s["ids"][:3] for s in found["sequences"])}
    assert len(pasts) == 4
    for s in found["sequences"]:
        ids = torch.tensor(s["ids"])
        with torch.no_grad():
            want = fresh(ids[None]).logits[0, :-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(s["logprobs"]), want, atol=1e-5, rtol=0)
    spans = zip(batch.group, batch.start[:-1], batch.start[1:], strict=True)
    whole = [[*batch.prompts[g], *batch.completion[a:b]] for g, a, b in spans]
    real = found["sequences"][2:]
    assert all(any(w[-len(s["ids"]) :] == s["ids"] for w in whole) for s in real)


def test_other_weights_fail_the_probe(folders, tmp_path):
    """An engine that mixed an old head with new layers, as after a tied reload, is off by far more than rounding."""
    policy = model.load(folders[True], CPU)
    e = exporter(tmp_path, policy, folders[True])
    e.export(0)
    with torch.no_grad():
        for p in policy.parameters().values():
            p.add_(torch.randn_like(p), alpha=0.02)
    e.export(1)
    mixture = dict(safetensors.torch.load_file(e.path(1) / "model.safetensors"))
    mixture["lm_head.weight"] = safetensors.torch.load_file(e.path(0) / "model.safetensors")["lm_head.weight"]
    engine = model.load(e.path(1), CPU)
    sequences = json.loads((e.path(1) / "probe.json").read_text())["sequences"]

    def worst():
        got = probe.score(engine, [s["ids"] for s in sequences])
        pairs = zip(got, sequences, strict=True)
        return max(abs(a - b) for g, s in pairs for a, b in zip(g, s["logprobs"], strict=True))

    assert worst() < 1e-5
    engine.module.load_state_dict(mixture)
    assert worst() > 0.01


def test_folder_is_complete_and_checksummed(policy, source, tmp_path):
    e = exporter(tmp_path, policy, source)
    e.export(0)
    e.export(1)
    for version in (0, 1):
        folder = e.path(version)
        marker = json.loads((folder / "STABLE").read_text())
        names = {p.name for p in folder.iterdir()} - {"STABLE"}
        static = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}
        assert names == set(marker["files"]) == static | {"model.safetensors", "probe.json"}
        assert marker["version"] == version
        for name, entry in marker["files"].items():
            assert entry == {"bytes": (folder / name).stat().st_size, "sha256": durable.sha256(folder / name)}
    assert (e.path(1) / "tokenizer.json").samefile(e.path(0) / "tokenizer.json")
    assert json.loads((e.path(1) / "config.json").read_text())["dtype"] == "float32"
    assert json.loads((e.path(1) / "generation_config.json").read_text()) == {"eos_token_id": 1}
    assert not list(e.weights.glob(".tmp-*"))


def test_stable_is_kept_and_the_half_written_is_replaced(policy, source, tmp_path):
    e = exporter(tmp_path, policy, source)
    e.export(2)
    first = (e.path(2) / "STABLE").stat().st_mtime_ns
    assert e.export(2) == [] and (e.path(2) / "STABLE").stat().st_mtime_ns == first
    with torch.no_grad():
        policy.head.add_(1.0)
    assert e.export(2) == ["model.safetensors"]
    (e.path(2) / "STABLE").unlink()
    (e.path(2) / "left-over").write_text("x")
    assert e.export(2) == [] and (e.path(2) / "STABLE").exists() and not (e.path(2) / "left-over").exists()


@pytest.mark.parametrize("victim", ["probe.json", "config.json", "model.safetensors", "STABLE"])
def test_a_failure_at_any_file_leaves_no_stable(policy, source, tmp_path, monkeypatch, victim):
    e = exporter(tmp_path, policy, source)
    honest_write, honest_sync = durable.write, durable.sync

    def write(path, content):
        if victim in path.name:
            raise OSError(28, "No space left on device", str(path))
        honest_write(path, content)

    def sync(path):
        if path.name == victim:
            raise OSError(28, "No space left on device", str(path))
        honest_sync(path)

    monkeypatch.setattr(durable, "write", write)
    monkeypatch.setattr(durable, "sync", sync)
    with pytest.raises(OSError, match="No space left"):
        e.export(5)
    assert not (e.path(5) / "STABLE").exists()
    monkeypatch.undo()
    e.export(5)
    assert durable.numbered(e.weights, "STABLE") == [5]


def test_shards_have_an_index(folders, tmp_path, monkeypatch):
    policy = model.load(folders[True], CPU)
    monkeypatch.setattr(export, "SHARD_BYTES", 9000)
    monkeypatch.setattr(export.shards, "__defaults__", (9000,))
    e = exporter(tmp_path, policy, folders[True])
    e.export(0)
    index = json.loads((e.path(0) / "model.safetensors.index.json").read_text())
    files = sorted(p.name for p in e.path(0).glob("*.safetensors"))
    assert len(files) > 2 and sorted(set(index["weight_map"].values())) == files
    ids = torch.randint(0, making.VOCABULARY, (1, 9))
    with torch.no_grad():
        fresh = AutoModelForCausalLM.from_pretrained(e.path(0), dtype=torch.float32)
        assert torch.equal(fresh(ids).logits, policy.module(ids).logits)


def test_prune(policy, source, tmp_path):
    e = exporter(tmp_path, policy, source)
    for version in range(7):
        e.export(version)
    e.prune(keep=2, checkpoint=3)
    assert durable.numbered(e.weights, "STABLE") == [0, 3, 4, 5, 6]
    e.prune(keep=2, checkpoint=6)
    assert durable.numbered(e.weights, "STABLE") == [0, 5, 6]
    e.prune(keep=1, checkpoint=100)
    assert durable.numbered(e.weights, "STABLE") == [0, 6]


def test_probe_sequences_are_a_function_of_their_arguments(tmp_path):
    batch = making.batch(tmp_path, seed=1)
    draw = [probe.sequences(37, 128, 7, 3, batch) for _ in range(2)]
    assert draw[0] == draw[1] != probe.sequences(37, 128, 7, 4, batch)
    assert all(0 <= i < 37 for s in draw[0] for i in s)
    assert {len(s) for s in probe.sequences(37, 9, 7, 3, None)} == {9}


def test_bad_model_folders_are_named(tmp_path, folders):
    with pytest.raises(InputError, match=r"nothing: no config\.json"):
        model.load(tmp_path / "nothing", CPU)
    folder = making.model_folder(tmp_path / "broken", tied=False)
    (folder / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(InputError, match="broken: transformers cannot load"):
        model.load(folder, CPU)
    folder = making.model_folder(tmp_path / "partial", tied=False)
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    safetensors.torch.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"incomplete weights, missing_keys.*layers\.1\.mlp\.up_proj"):
        model.load(folder, CPU)
    folder = making.model_folder(tmp_path / "windows", tied=False)
    config = json.loads((folder / "config.json").read_text())
    config |= {"layer_types": ["full_attention", "sliding_attention"], "use_sliding_window": True, "sliding_window": 4}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="sliding_attention"):
        model.load(folder, CPU)


def test_architecture_that_scales_its_logits_is_refused(policy, monkeypatch):
    honest = type(policy.module).forward

    def scaled(self, *args, **kwargs):
        out = honest(self, *args, **kwargs)
        out.logits = out.logits / 2
        return out

    monkeypatch.setattr(type(policy.module), "forward", scaled)
    with pytest.raises(InputError, match="m: packed log-probabilities differ by"):
        model.check(policy, "m")
