"""The small engine over HTTP: vLLM's routes and JSON."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.request

import pytest
import torch
from aiohttp.test_utils import TestClient, TestServer

from ropewalk_trainer import tiny
from ropewalk_trainer.engine import __main__ as program
from ropewalk_trainer.engine import weights
from ropewalk_trainer.engine.protocol import Model
from ropewalk_trainer.engine.scheduler import Scheduler
from ropewalk_trainer.engine.server import Handlers, Runner
from ropewalk_trainer.engine.tokens import Tokens

IDS = [20, 21, 13, 22]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    tiny.make(root / "a", seed=1)
    tiny.make(root / "b", seed=2, tied=True)
    tiny.make(root / "other", layers=2)
    return root


@contextlib.asynccontextmanager
async def serving(folders, slots=64):
    """A client of a server in this process, and its runner."""
    loaded = weights.load(folders / "a", 200)
    tokens = Tokens(folders / "a", loaded.shape.vocabulary)
    runner = Runner(Scheduler(loaded, slots))
    handlers = Handlers(runner, Model("policy", loaded.shape.vocabulary, 200, tokens), torch.float32)
    server = TestServer(handlers.application())
    await server.start_server()  # with handler_cancellation, as the program
    work = asyncio.create_task(runner.run())
    async with TestClient(server) as client:
        yield client, runner
    assert not work.done(), work
    work.cancel()


async def post(client, path, **body):
    async with client.post(path, json=body) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


async def complete(client, **more):
    body = {"model": "policy", "prompt": IDS, "max_tokens": 8, "logprobs": 0, "return_token_ids": True, **more}
    status, answer = await post(client, "/v1/completions", **body)
    assert status == 200, answer
    return answer


def check_choice(choice, ids=IDS):
    count = len(choice["token_ids"])
    table = choice["logprobs"]
    assert count == len(table["token_logprobs"]) == len(table["tokens"]) == len(table["top_logprobs"])
    assert all(lp <= 0 for lp in table["token_logprobs"])
    assert choice["prompt_token_ids"] == ids
    assert choice["finish_reason"] == ("stop" if choice["token_ids"][-1] == 1 else "length")
    assert choice["stop_reason"] is None


def test_completions(folders):
    async def go():
        async with serving(folders) as (client, _):
            answer = await complete(client, n=3, seed=40, temperature=0.8, prompt_logprobs=0)
            assert answer["object"] == "text_completion" and answer["model"] == "policy"
            assert [c["index"] for c in answer["choices"]] == [0, 1, 2]
            for choice in answer["choices"]:
                check_choice(choice)
                assert choice["prompt_logprobs"][0] is None
                assert [list(p) for p in choice["prompt_logprobs"][1:]] == [[str(i)] for i in IDS[1:]]
                entry = choice["prompt_logprobs"][1]["21"]
                assert entry["decoded_token"] == "1" and entry["rank"] >= 1 and entry["logprob"] < 0
            new = sum(len(c["token_ids"]) for c in answer["choices"])
            assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": new, "total_tokens": 4 + new}
            # Sample i has seed 40 + i, alone or not; text prompts are the same as their ids.
            alone = await complete(client, prompt="01)2", seed=42, temperature=0.8)
            assert "".join(tiny.CHARACTERS[i - 3] for i in IDS) == "01)2"
            for key in ("token_ids", "text"):
                assert alone["choices"][0][key] == answer["choices"][2][key]
            # vLLM's generate route draws the same, in its own form.
            sampling = {"n": 3, "seed": 40, "max_tokens": 8, "temperature": 0.8, "logprobs": 0}
            _, other = await post(client, "/inference/v1/generate", token_ids=IDS, sampling_params=sampling)
            for mine, theirs in zip(answer["choices"], other["choices"], strict=True):
                assert mine["token_ids"] == theirs["token_ids"] and mine["finish_reason"] == theirs["finish_reason"]
                content = [entry["logprob"] for entry in theirs["logprobs"]["content"]]
                assert content == mine["logprobs"]["token_logprobs"]

    asyncio.run(go())


def test_stops(folders):
    async def go():
        async with serving(folders) as (client, _):
            whole = (await complete(client, seed=3, max_tokens=40, ignore_eos=True))["choices"][0]
            assert len(whole["token_ids"]) == 40 and whole["finish_reason"] == "length"
            stop = next(i for i in whole["token_ids"][9:] if 3 <= i < 99)
            first = whole["token_ids"].index(stop)
            cut = (await complete(client, seed=3, max_tokens=40, ignore_eos=True, stop_token_ids=[stop]))["choices"][0]
            assert cut["token_ids"] == whole["token_ids"][: first + 1]
            assert (cut["finish_reason"], cut["stop_reason"]) == ("stop", stop)
            # The stop token is among the ids, not in the text; special tokens are in neither.
            shown = [name for name in cut["logprobs"]["tokens"][:-1] if not name.startswith("<|")]
            assert cut["text"] == "".join(shown) != "".join([*shown, cut["logprobs"]["tokens"][-1]])

    asyncio.run(go())


REFUSED = [
    ({"prompt": [1] * 193}, 400, "maximum context length is 200"),
    ({"prompt": []}, 400, "prompt"),
    ({"prompt": [[]]}, 400, "empty"),
    ({"prompt": [104]}, 400, "Token id 104 is out of vocabulary"),
    ({"prompt": [-1]}, 400, "Token id -1"),
    ({"prompt": [1.5]}, 400, "integers"),
    ({"prompt": None}, 400, "prompt"),
    ({"model": "gpt"}, 404, "`gpt` does not exist"),
    ({"max_tokens": 0}, 400, "max_tokens"),
    ({"n": "2"}, 400, "n must be an integer"),
    ({"n": 1 << 20}, 400, "completions"),
    ({"temperature": -1}, 400, "temperature"),
    ({"seed": 1.5}, 400, "seed"),
    ({"stop_token_ids": [1000]}, 400, "stop_token_ids"),
    ({"top_p": 0.9}, 400, "top_p=0.9"),
    ({"top_k": 5}, 400, "top_k=5"),
    ({"stream": True}, 400, "stream"),
    ({"logprobs": 3}, 400, "logprobs"),
    ({"stop": "x"}, 400, "stop"),
]


def test_refuses(folders):
    async def go():
        async with serving(folders) as (client, _):
            good = {"model": "policy", "prompt": IDS, "max_tokens": 8}
            for change, status, says in REFUSED:
                got, answer = await post(client, "/v1/completions", **good | change)
                assert got == status == answer["error"]["code"], (change, answer)
                assert says in answer["error"]["message"], (change, answer)
                assert answer["error"]["type"] == {400: "BadRequestError", 404: "NotFoundError"}[status]
            async with client.post("/v1/completions", data=b"{bad") as response:
                assert response.status == 400 and "not JSON" in await response.text()
            async with client.get("/nothing") as response:
                assert response.status == 404 and "error" in await response.json()
            neutral = {"top_p": 1.0, "top_k": -1, "min_p": 0, "stream": False, "stop": [], "presence_penalty": 0.0}
            await complete(client, **neutral)

    asyncio.run(go())


def test_tokens_and_facts(folders):
    async def go():
        async with serving(folders) as (client, _):
            body = {"prompt": "1+2=\n", "add_special_tokens": False}
            assert await post(client, "/tokenize", **body) == (
                200, {"count": 5, "max_model_len": 200, "tokens": [21, 15, 22, 33, 3], "token_strs": None},
            )  # fmt: skip
            _, chat = await post(client, "/tokenize", messages=[{"role": "user", "content": "1+2="}])
            assert chat["tokens"] == [21, 15, 22, 33, 3]
            assert await post(client, "/detokenize", tokens=[21, 15, 1]) == (200, {"prompt": "1+<|end|>"})
            assert (await post(client, "/detokenize", tokens=[900]))[0] == 400
            assert (await post(client, "/tokenize"))[0] == 400
            await complete(client)
            models = await (await client.get("/v1/models")).json()
            assert [(m["id"], m["max_model_len"]) for m in models["data"]] == [("policy", 200)]
            assert (await (await client.get("/version")).json())["engine"] == "ropewalk-small"
            assert (await client.get("/health")).status == 200
            text = await (await client.get("/metrics")).text()
            numbers = {m[1]: float(m[2]) for m in re.finditer(r"^vllm:(\w+)\{[^}]*\} (\S+)$", text, re.M)}
            assert numbers["num_requests_running"] == numbers["num_requests_waiting"] == 0
            assert numbers["iteration_tokens_total_count"] >= 1 and numbers["generation_tokens_total"] >= 1

    asyncio.run(go())


def test_reload_is_all_or_nothing(folders, tmp_path):
    async def reload(client, path):
        kwargs = {"weights_path": str(path)}
        return await post(client, "/collective_rpc", method="reload_weights", kwargs=kwargs)

    async def go():
        broken = shutil.copytree(folders / "b", tmp_path / "broken")
        (broken / "model.safetensors").write_bytes((folders / "b" / "model.safetensors").read_bytes()[:-4000])
        async with serving(folders) as (client, _):
            ask = {"seed": 9, "temperature": 1.0, "n": 4}
            before = (await complete(client, **ask))["choices"]
            for bad in (broken, folders / "other", tmp_path / "missing"):
                status, answer = await reload(client, bad)
                assert status == 500 and "the old ones stay" in answer["error"]["message"]
                assert (await complete(client, **ask))["choices"] == before
            assert await reload(client, folders / "b") == (200, {"results": [None]})
            after = (await complete(client, **ask))["choices"]
            assert after != before
            # To the bit the model that a server started on the new folder has.
            started = Scheduler(weights.load(folders / "b", 200), 8)
            from ropewalk_trainer.engine.scheduler import Request, Sampling

            request = Request([tuple(IDS)], 4, 9, Sampling(8, 1.0, (1,)))
            started.add(request)
            while started.busy:
                started.step()
            assert [c.logprobs for c in request.done] == [c["logprobs"]["token_logprobs"] for c in after]
            assert (await post(client, "/collective_rpc", method="rm"))[0] == 400
            assert await post(client, "/reset_prefix_cache") == (200, {"success": True})

    asyncio.run(go())


def test_closing_the_connection_aborts(folders):
    async def go():
        async with serving(folders) as (client, runner):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(complete(client, max_tokens=190, ignore_eos=True, n=60), 0.05)
            for _ in range(200):
                await asyncio.sleep(0.01)
                if not runner.futures and not runner.scheduler.busy:
                    break
            assert not runner.futures and not runner.scheduler.busy
            assert 0 < runner.scheduler.new_tokens < 60 * 190
            await complete(client)

    asyncio.run(go())


@pytest.mark.parametrize("mode", ["abort", "wait", "keep"])
def test_pause(folders, mode):
    async def go():
        async with serving(folders) as (client, runner):
            ask = {"seed": 1, "max_tokens": 150, "ignore_eos": True, "n": 8}
            whole = await complete(client, **ask)
            running = asyncio.create_task(complete(client, **ask))
            while runner.scheduler.running < 8 or runner.scheduler.count[0] < 3:
                await asyncio.sleep(0)
            async with client.post(f"/pause?mode={mode}") as response:
                assert await response.json() == {"status": "paused"}
            assert await (await client.get("/is_paused")).json() == {"is_paused": True}
            later = asyncio.create_task(complete(client))
            await asyncio.sleep(0.1)
            assert not later.done()
            assert running.done() == (mode != "keep")
            async with client.post("/resume") as response:
                assert await response.json() == {"status": "resumed"}
            got = await running
            await later
            lengths = {len(c["token_ids"]) for c in got["choices"]}
            if mode == "abort":
                assert {c["finish_reason"] for c in got["choices"]} == {"abort"} and max(lengths) < 150
            else:
                assert [c["token_ids"] for c in got["choices"]] == [c["token_ids"] for c in whole["choices"]]

    asyncio.run(go())


def test_many_at_once_get_what_each_gets_alone(folders):
    async def go():
        async with serving(folders) as (client, _):
            asks = [{"prompt": IDS + [20 + i % 9] * (i % 30), "seed": i, "n": 1 + i % 5} for i in range(60)]
            together = await asyncio.gather(*(complete(client, **a) for a in asks))
            for a, crowd in list(zip(asks, together, strict=True))[::7]:
                assert (await complete(client, **a))["choices"] == crowd["choices"]

    asyncio.run(go())


def test_a_step_that_fails_ends_the_engine(folders):
    async def go():
        loaded = weights.load(folders / "a", 200)
        runner = Runner(Scheduler(loaded, 4))
        runner.scheduler.cache = None
        work = asyncio.create_task(runner.run())
        from ropewalk_trainer.engine.scheduler import Request, Sampling

        asked = asyncio.create_task(runner.generate(Request([tuple(IDS)], 1, 1, Sampling(4))))
        with pytest.raises(AttributeError):
            await asyncio.wait_for(work, 5)
        asked.cancel()

    asyncio.run(go())


def start(folder, *more):
    arguments = [
        sys.executable,
        "-m",
        "ropewalk_trainer.engine",
        "--model",
        str(folder),
        "--max-model-len",
        "100",
        *more,
    ]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_program(folders):
    process = start(folders / "a", "--port", "0", "--exit-with-parent", "--served-model-name", "policy")
    try:
        line = process.stdout.readline()
        found = re.search(r"serves policy at (http://127\.0\.0\.1:\d+): context 100, 256 sequences", line)
        assert found, line
        body = json.dumps({"prompt": IDS, "max_tokens": 3}).encode()
        ask = urllib.request.Request(found[1] + "/v1/completions", body, {"content-type": "application/json"})
        with urllib.request.urlopen(ask, timeout=10) as response:
            assert json.load(response)["usage"]["prompt_tokens"] == 4
        process.stdin.close()  # the parent is gone
        process.wait(5)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_the_program_says_what_is_wrong(folders, tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert program.main(["--model", str(folders / "a"), "--port", port]) == 1
        assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
    assert program.main(["--model", str(tmp_path), "--port", "0"]) == 3
    assert f"{tmp_path}/config.json" in capsys.readouterr().err
    assert program.main(["--model", str(folders / "a"), "--port", "0", "--kv-cache-gib", "0.001"]) == 3
    assert "lower --max-model-len" in capsys.readouterr().err
    foreign = shutil.copytree(folders / "a", tmp_path / "foreign")
    tokenizer = json.loads((foreign / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] |= {chr(0x4E00 + i): 99 + i for i in range(20)}
    (foreign / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert program.main(["--model", str(foreign), "--port", "0"]) == 3
    assert "not of one model" in capsys.readouterr().err
