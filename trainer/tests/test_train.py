"""The loop over a run folder: resume to the bit, ends, waits, signals, errors."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import making
import pytest
import safetensors.torch
import torch

from ropewalk_trainer import checkpoint, durable, train
from ropewalk_trainer.failure import ConfigError, InputError, TrainerError
from ropewalk_trainer.manifest import Identity
from ropewalk_trainer.waiting import Patience, Stop, Stopped, wait_for

PACKAGE = Path(__file__).parents[1]


def go(run, **options):
    train.main(train.Options(run, **options), Stop())


def files(run, version):
    """Contents of an export by name."""
    return {p.name: p.read_bytes() for p in (run / "weights" / f"{version:06d}").iterdir()}


def metrics(run):
    return [json.loads(line) for line in (run / "metrics" / "trainer.jsonl").read_text().splitlines()]


def test_a_whole_run(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, kl=0.1, keep_weights=9)
    making.write_batches(run, 4)
    go(run)
    assert durable.numbered(run / "weights", "STABLE") == [0, 1, 2, 3, 4]
    assert durable.numbered(run / "checkpoints", "COMPLETE") == [2, 4]
    lines = metrics(run)
    assert [m["step"] for m in lines] == [1, 2, 3, 4] and [m["batch"] for m in lines] == [0, 1, 2, 3]
    documented = (PACKAGE.parent / "docs" / "formats.md").read_text().split("## metrics/trainer.jsonl")[1]
    promised = (
        "loss reward reward_std advantage_min advantage_max kl_sampler_trainer kl_sampler_trainer_max kl_reference "
        "entropy ratio_mean ratio_max clip_fraction grad_norm lr tokens_trained tokens_real tokens_capacity sequences "
        "seconds_wait seconds_step seconds_export tokens_per_second step batch time"
    ).split()
    assert all(f"`{key}`" in documented for key in promised)
    assert all(set(promised) <= set(m) for m in lines)


def timeless(m):
    return {key: value for key, value in m.items() if not key.startswith(("seconds", "time", "tokens_per"))}


@pytest.mark.parametrize("settings", [{}, {"kl": 0.1, "loss": "ppo", "dtype": "bfloat16", "threads": 2}])
def test_resumed_is_uninterrupted_to_the_bit(tmp_path, source, settings):
    """Four steps, against two, a kill after an unfinished third, and a resume; nothing but times may differ."""
    whole, cut = (making.run_folder(tmp_path / name, source, keep_weights=9, **settings) for name in ("whole", "cut"))
    for run in (whole, cut):
        making.write_batches(run, 4)
    go(whole)
    (cut / "batches" / "000003").rename(cut / "later")
    go(cut, once_available=True)  # three steps and a checkpoint of the third …
    durable.remove(cut / "checkpoints" / "000003")  # … that a kill would have prevented
    left = cut / "checkpoints" / ".tmp-000003"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    (cut / "later").rename(cut / "batches" / "000003")
    go(cut)
    for version in range(5):
        assert files(cut, version) == files(whole, version), version
    for name in (checkpoint.MODEL, checkpoint.OPTIMIZER):
        assert (cut / "checkpoints/000004" / name).read_bytes() == (whole / "checkpoints/000004" / name).read_bytes()
    assert [timeless(m) for m in metrics(cut)] == [timeless(m) for m in metrics(whole)]
    assert not left.exists()


def test_replay_that_differs_warns_and_keeps_what_engines_have(tmp_path, source, capsys):
    run = making.run_folder(tmp_path / "run", source, steps=1)
    making.write_batches(run, 1)
    go(run)
    durable.remove(run / "checkpoints" / "000001")
    kept = files(run, 1)
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("lr: 0.001", "lr: 0.002"))
    go(run)
    assert files(run, 1) == kept
    assert "WARNING: replaying gave other weights" in capsys.readouterr().err


def test_old_checkpoints_and_exports_go(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=9, checkpoint_every=3, keep_checkpoints=2, keep_weights=1)
    making.write_batches(run, 8)
    go(run, once_available=True)
    assert durable.numbered(run / "checkpoints", "COMPLETE") == [6, 8]
    assert durable.numbered(run / "weights", "STABLE") == [0, 6, 7, 8]


def test_corrupt_checkpoint_is_named(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=2)
    making.write_batches(run, 2)
    go(run)
    path = run / "checkpoints" / "000002" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"000002/model\.safetensors: not the file that was saved"):
        go(run)


def test_skipped_steps_are_counted_on(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source)
    making.write_batches(run, 2)
    go(run, steps=1)
    state = run / "checkpoints" / "000001" / "state.json"
    marker = state.with_name("COMPLETE")
    state.write_text(json.dumps(json.loads(state.read_text()) | {"skipped": 3}))
    facts = json.loads(marker.read_text())
    facts["files"]["state.json"]["sha256"] = durable.sha256(state)
    marker.write_text(json.dumps(facts))
    go(run, steps=2)
    assert [m["steps_skipped"] for m in metrics(run)] == [0, 3]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"step": 2}', '{"files": {"model.safetensors": 1}}'])
@pytest.mark.parametrize("marker", ["checkpoints/000002/COMPLETE", "weights/000000/STABLE"])
def test_corrupt_marker_is_named(tmp_path, source, marker, content):
    run = making.run_folder(tmp_path / "run", source)
    making.write_batches(run, 3)
    go(run, steps=2)
    (run / marker).write_text(content)
    with pytest.raises(InputError, match=marker):
        go(run, steps=3)


def test_checkpoint_of_another_model_is_named(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=1)
    making.write_batches(run, 1)
    go(run)
    other = making.model_folder(tmp_path / "other", tied=True, width=16)
    making.run_folder(run, other, steps=2)
    with pytest.raises(InputError, match="other parameters than the model's"):
        go(run)


def test_batches_of_another_run_are_refused_even_after_a_resume(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source)
    making.write_batches(run, 1)
    go(run, once_available=True)
    making.write(run / "batches" / "000001", making.rows(number=1), identity=Identity("test-run", "other"))
    with pytest.raises(InputError, match=r"000001/manifest\.json: config_hash: expected 'abc123', found 'other'"):
        go(run)


def test_end_file_ends_the_run(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=50)
    making.write_batches(run, 3)
    (run / "batches" / "END").write_text('{"batches": 3}')
    go(run)
    assert durable.numbered(run / "checkpoints", "COMPLETE") == [2, 3]
    (run / "batches" / "END").write_text("{}")
    with pytest.raises(InputError, match=r'END: expected \{"batches": n\}'):
        go(run)


def test_steps_option_bounds_the_run(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=50)
    making.write_batches(run, 3)
    go(run, steps=1)
    assert durable.numbered(run / "weights", "STABLE") == [0, 1]


def test_waits_for_batches(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source, steps=2)
    making.write_batches(run, 1)
    threading.Timer(1.0, making.write_batches, (run, 2, 1)).start()
    go(run)
    waits = [m["seconds_wait"] for m in metrics(run)]
    assert waits[0] < 0.1 < waits[1]


def test_waits_have_names_and_ends(capsys):
    with pytest.raises(TrainerError, match=r"waited 0 s for the coordinator's batch; giving up"):
        wait_for("the coordinator's batch", lambda: False, Stop(), Patience(0.05, 0.2))
    said = capsys.readouterr().err.splitlines()
    assert 2 <= len(said) <= 4 and all("waiting for the coordinator's batch since" in line for line in said)
    stop = Stop()
    stop.requested = time.monotonic()
    with pytest.raises(Stopped):
        wait_for("nothing", lambda: False, stop, Patience(60, 60))


def test_a_step_that_outlasts_patience_is_abandoned(tmp_path, source):
    run = making.run_folder(tmp_path / "run", source)
    making.write_batches(run, 2)
    stop = Stop()
    honest = stop.check
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:  # in the second step
            stop.requested = time.monotonic() - 100
        honest()

    stop.check = check
    train.main(train.Options(run), stop)
    assert durable.numbered(run / "weights", "STABLE") == [0, 1]
    assert durable.numbered(run / "checkpoints", "COMPLETE") == [1]


def test_mismatch_warns(tmp_path, source, capsys):
    run = making.run_folder(tmp_path / "run", source, steps=1)
    making.write_batches(run, 1)
    go(run)
    said = capsys.readouterr().err
    found = metrics(run)[0]["kl_sampler_trainer"]
    assert found > 0.01
    assert f"WARNING: step 1: sampler and trainer disagree by {found:.3g} nats per token" in said
    assert "tokenizer" in said and "trainer.mismatch_warn is 0.01" in said


def test_gradients_that_are_not_finite_are_reported_and_exported_unchanged(tmp_path, source, capsys):
    run = making.run_folder(tmp_path / "run", source, steps=1)
    r = making.rows()
    for row in r.rows:
        row["advantage"] = 3e38  # finite, but not its square
    making.write(run / "batches" / "000000", r)
    go(run)
    assert "the weights were not changed (1 such steps so far)" in capsys.readouterr().err
    line = metrics(run)[0]
    assert line["grad_norm"] is None and line["steps_skipped"] == 1
    assert files(run, 0)["model.safetensors"] == files(run, 1)["model.safetensors"]


def test_tied_and_untied_start_train_alike_and_export_alike(tmp_path, folders):
    """The tied model's checkpoint has no head of its own, its exports have, and it is the embedding."""
    run = making.run_folder(tmp_path / "run", folders[True], steps=2)
    making.write_batches(run, 2)
    go(run)
    trained = safetensors.torch.load_file(run / "checkpoints/000002/model.safetensors")
    exported = safetensors.torch.load_file(run / "weights/000002/model.safetensors")
    assert "lm_head.weight" not in trained
    assert torch.equal(exported["lm_head.weight"], exported["model.embed_tokens.weight"])
    assert torch.equal(exported["lm_head.weight"], trained["model.embed_tokens.weight"])


def test_cuda_without_a_device_is_a_configuration_error(tmp_path, source, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = making.run_folder(tmp_path / "run", source, device="cuda")
    with pytest.raises(ConfigError, match="PyTorch sees no CUDA device"):
        go(run)


class Process:
    """The trainer as its own process."""

    def __init__(self, *args: str) -> None:
        env = os.environ | {"PYTHONPATH": str(PACKAGE)}
        command = [sys.executable, "-m", "ropewalk_trainer", *args]
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def until(self, word: str) -> str:
        """Reads stderr up to a line with this word."""
        for line in self.p.stderr:
            if word in line:
                return line
        raise AssertionError(f"{word!r} never came")

    def end(self) -> tuple[int, str]:
        """Exit code and the rest of stderr."""
        said = self.p.stderr.read()
        self.p.stdin.close()
        return self.p.wait(30), said


def test_sigterm_checkpoints_and_a_kill_loses_nothing(tmp_path, folders):
    run = making.run_folder(tmp_path / "run", folders[False], steps=5, checkpoint_every=100, keep_weights=9)
    making.write_batches(run, 3)
    first = Process("--run", str(run))
    first.until("step 3/5")
    second = Process("--run", str(run))  # waits for the first to let go of the folder
    first.p.send_signal(signal.SIGTERM)
    code, _ = first.end()
    assert code == 0 and durable.numbered(run / "checkpoints", "COMPLETE") == [3]
    assert "resumed at step 3" in second.until("resumed")
    making.write_batches(run, 4, 3)
    second.until("step 4/5")
    second.p.kill()
    second.end()
    assert durable.numbered(run / "checkpoints", "COMPLETE") == [3]
    making.write_batches(run, 5, 4)
    go(run)
    assert [m["step"] for m in metrics(run)] == [1, 2, 3, 4, 5]
    whole = making.run_folder(tmp_path / "whole", folders[False], steps=5, keep_weights=9)
    making.write_batches(whole, 5)
    go(whole)
    assert all(files(run, v) == files(whole, v) for v in range(6))


def test_command_line_errors(tmp_path, folders):
    orphan = Process("--run", str(tmp_path / "nowhere"))
    run = making.run_folder(tmp_path / "run", folders[False])
    making.write(run / "batches" / "000000", making.rows(), file=lambda b: b[:-1])
    bad = Process("--run", str(run))
    code, said = orphan.end()
    assert code == 2 and "error:" in said and "config.yaml: No such file" in said and "hint: --run names" in said
    code, said = bad.end()
    assert code == 3 and "000000/batch.arrow" in said and "truncated or replaced" in said and "Traceback" not in said


def test_ends_with_its_parent(tmp_path, folders):
    run = making.run_folder(tmp_path / "run", folders[False])
    child = Process("--run", str(run), "--exit-with-parent")
    while not durable.numbered(run / "weights", "STABLE"):
        assert child.p.poll() is None
        time.sleep(0.05)
    child.p.stdin.close()
    assert child.p.wait(5) == 1
    child.p.stderr.close()
