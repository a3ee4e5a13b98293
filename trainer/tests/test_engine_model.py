"""The small engine's forward pass against transformers', and its independence of what else is computed."""

import json

import pytest
import torch
import transformers

from ropewalk_trainer import tiny
from ropewalk_trainer.engine import model, sampling, weights

BASE = {
    "vocab_size": 40, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 100, "initializer_range": 0.15, "eos_token_id": 1,
}  # fmt: skip
FAMILIES = {
    "qwen3-tied": (transformers.Qwen3Config, {"head_dim": 16, "tie_word_embeddings": True}),
    "qwen3-untied": (transformers.Qwen3Config, {"head_dim": 16, "tie_word_embeddings": False}),
    "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": True, "rms_norm_eps": 1e-2}),
    "llama": (transformers.LlamaConfig, {"num_key_value_heads": 4, "rope_theta": 500.0}),
}  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request, tmp_path_factory):
    """A folder of random weights, norms and biases included, and transformers' model of it."""
    kind, more = FAMILIES[request.param]
    torch.manual_seed(5)
    module = transformers.AutoModelForCausalLM.from_config(kind(**{**BASE, **more})).eval()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.normal_(1.0, 0.3)
    folder = tmp_path_factory.mktemp("family") / request.param
    module.save_pretrained(folder)
    return folder, module


@torch.inference_mode()
def test_agrees_with_transformers(pair):
    folder, module = pair
    loaded = weights.load(folder)
    ids = torch.randint(2, 40, (3, 50), generator=torch.Generator().manual_seed(1))
    wanted = module(ids).logits.log_softmax(-1)
    cache = model.Cache(loaded.shape, 4)
    # Two chunks of prompt in slots 1 to 3, moved to 0 to 2, then token by token.
    for start in (0, 16):
        states = model.prefill(loaded, cache, ids[:, start : start + 16], 1, start)
        got = model.logits(loaded, states.flatten(0, 1)).view(3, 16, -1).log_softmax(-1)
        torch.testing.assert_close(got, wanted[:, start : start + 16], atol=1e-5, rtol=0)
    for slot in range(3):
        cache.copy(slot + 1, slot, slot + 1, 32)
    for t in range(32, 50):
        got = model.decode(loaded, cache, ids[:, t], torch.full((3,), t), t + 1).log_softmax(-1)
        torch.testing.assert_close(got, wanted[:, t], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_row_is_the_same_to_the_bit_whatever_else_is_computed(tmp_path):
    tiny.make(tmp_path / "m")
    loaded = weights.load(tmp_path / "m", 200)
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(3, 99, (40, 32), generator=generator)
    cache = model.Cache(loaded.shape, 40)
    all_states = model.prefill(loaded, cache, ids, 0, 0)
    full, positions = cache.store.clone(), torch.randint(5, 33, (40,), generator=generator)
    everyone = model.decode(loaded, cache, ids[:, 0], positions, 33)
    for rows, length in ((2, 33), (3, 48), (7, 150), (16, 200), (33, 33)):
        cache.store.copy_(full)
        assert torch.equal(model.decode(loaded, cache, ids[:rows, 0], positions[:rows], length), everyone[:rows])
    for rows in (1, 2, 5):
        assert torch.equal(model.prefill(loaded, cache, ids[9 : 9 + rows], 3, 0), all_states[9 : 9 + rows])


def test_rounds_weights_but_not_arithmetic(pair):
    folder, module = pair
    loaded = weights.load(folder, rounded=torch.bfloat16)
    assert torch.equal(loaded.embedding_VH, module.get_input_embeddings().weight.bfloat16().float())
    assert loaded.layers[0].qkv_HN.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "mamba"}, "model_type 'mamba'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1.0}}, "yarn"),
        ({"intermediate_size": 63}, "expected [63, 48]"),
        ({"num_hidden_layers": 3}, "model.layers.2.input_layernorm.weight is missing"),
        ({"num_hidden_layers": 1}, "unknown tensors"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"hidden_size": None}, "hidden_size"),
    ],
)
def test_refuses_what_it_would_compute_wrongly(pair, tmp_path, change, says):
    folder, _ = pair
    config = {**json.loads((folder / "config.json").read_text()), **change}
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")
    with pytest.raises(weights.ModelError) as caught:
        weights.load(tmp_path)
    assert says in str(caught.value) and str(tmp_path) in str(caught.value)


def test_refuses_broken_files(pair, tmp_path):
    folder, module = pair
    content = (folder / "model.safetensors").read_bytes()
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(weights.ModelError, match="no \\*.safetensors"):
        weights.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(weights.ModelError, match="model.safetensors"):
        weights.load(tmp_path)
    broken = {k: v.clone() for k, v in module.state_dict().items()}
    broken["model.norm.weight"][0] = torch.nan
    module.save_pretrained(tmp_path, state_dict=broken)
    with pytest.raises(weights.ModelError, match="model.norm.weight holds numbers that are not finite"):
        weights.load(tmp_path)
    with pytest.raises(weights.ModelError, match="made for 100 positions"):
        weights.load(folder, 101)


def test_draws_follow_the_distribution():
    import numpy as np

    logits = torch.tensor([1.0, 0.0, -1e9, 2.0, -1.0])
    n, inverse = 40_000, 1 / 0.7
    chance = sampling.uniform(np.arange(n, dtype=np.uint64), np.zeros(n, np.int64))
    ids, logprobs = sampling.draw(logits.expand(n, -1), torch.full((n, 1), inverse), chance, None)
    wanted = (logits * inverse).log_softmax(-1)
    torch.testing.assert_close(logprobs, wanted[ids], atol=1e-6, rtol=0)
    p = wanted.exp()
    share = ids.bincount(minlength=5) / n
    assert ((share - p).abs() <= 4 * (p * (1 - p) / n).sqrt()).all()
    # Successive tokens of one seed are as independent as first tokens of many.
    along = sampling.uniform(np.full(n, 7, np.uint64), np.arange(n))
    for u in (chance, along):
        assert abs(u.mean() - 0.5) < 0.006 and abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.02
        assert 0 <= u.min() and u.max() < 1


def test_edges_of_the_distribution():
    import numpy as np

    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]]).expand(3, -1)
    ids, _ = sampling.draw(logits, torch.ones(3, 1), np.array([0.0, 0.5, 1 - 2.0**-53]), None)
    assert ids.tolist() == [1, 2, 2]
    ids, _ = sampling.draw(torch.tensor([[0.0, 3.0]]), torch.ones(1, 1), np.array([0.0]), torch.tensor([True]))
    assert ids.tolist() == [1]
