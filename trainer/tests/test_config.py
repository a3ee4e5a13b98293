import dataclasses
import re
from pathlib import Path

import pytest

from ropewalk_trainer import config
from ropewalk_trainer.failure import ConfigError

GO_CONFIG = Path(__file__).parents[2] / "rollout" / "config" / "config.go"


def go_keys(struct: str) -> set[str]:
    """The yaml keys of a struct of the Go configuration."""
    body = re.search(rf"type {struct} struct {{(.*?)\n}}", GO_CONFIG.read_text(), re.S)[1]
    return set(re.findall(r'yaml:"([a-z0-9_]+)', body))


def test_keys_are_those_of_the_coordinator():
    assert {f.name for f in dataclasses.fields(config.Trainer)} == go_keys("Trainer")
    assert {f.name for f in dataclasses.fields(config.Model)} == go_keys("Model")
    for cls in (config.Run, config.Sampling, config.Engine):
        assert {f.name for f in dataclasses.fields(cls)} <= go_keys(cls.__name__)


def test_reads_what_go_writes(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "run: {dir: x, seed: 3, steps: 5, stall: 1m0s, give_up: 1h30m0.5s}\n"
        "model: {path: m, dtype: float32}\ntrainer: {lr: 1e-06, kl: 0, share_prefix: false}\n"
        "sampling: {temperature: 1, max_tokens: 9}\nrecipe: {group_size: 8}\n"
    )
    c = config.read(path)
    assert c.trainer.lr == 1e-6 and c.trainer.kl == 0.0 and not c.trainer.share_prefix
    assert c.run.stall.seconds == 60 and c.run.give_up.seconds == 5400.5
    assert c.sampling == config.Sampling(1.0, 9) and c.trainer.beta2 == 0.99


@pytest.mark.parametrize(
    ("section", "found", "message"),
    [
        ("trainer", {"los": "pg"}, r"c\.yaml: unknown key trainer\.los"),
        ("trainer", {"loss": "grpo"}, r"trainer\.loss: expected one of pg, ppo, found 'grpo'"),
        ("trainer", {"lr": "fast"}, r"trainer\.lr: expected a number, found 'fast'"),
        ("trainer", {"lr": float("nan")}, r"trainer\.lr: expected 0\.0 to 10\.0, found nan"),
        ("trainer", {"lr": True}, r"trainer\.lr: expected a number, found True"),
        ("trainer", {"warmup": 1.5}, r"trainer\.warmup: expected a whole number"),
        ("trainer", {"share_prefix": "yes please"}, r"trainer\.share_prefix: expected true or false"),
        ("trainer", {"ratio_cap": 0.5}, r"trainer\.ratio_cap: expected at least 1"),
        ("model", {"dtype": "float16"}, r"model\.dtype: expected one of float32, bfloat16"),
        ("run", {"stall": "a while"}, r"run\.stall: expected a duration"),
        ("run", {"steps": 0}, r"run\.steps: expected at least 1, found 0"),
        ("sampling", "hot", r"sampling: expected a section, found str"),
    ],
)
def test_bad_values_are_named(section, found, message):
    raw = {"run": {"steps": 1}}
    raw[section] = raw.get(section, {}) | found if isinstance(found, dict) else found
    with pytest.raises(ConfigError, match=message):
        config.parse(raw, "c.yaml")


def test_nearest_key_is_suggested():
    with pytest.raises(ConfigError) as caught:
        config.parse({"run": {"steps": 1}, "trainer": {"ratio_cp": 2}}, "c.yaml")
    assert caught.value.hint == "did you mean trainer.ratio_cap?"


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"config\.yaml: No such file"):
        config.read(tmp_path / "config.yaml")
