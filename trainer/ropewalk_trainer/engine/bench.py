"""Throughput of the small engine, and of vLLM beside it, on one random tiny model. Run by scripts/bench-engine.

Both serve the same folder on the same cores, neither working while the other does; rounds alternate, and the table
shows medians. The client is this process, so its share of the cores is in both figures.
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from ropewalk_trainer import tiny

SAMPLES = 4  # of a request, in the steady load
START = 300  # seconds an engine may take to answer
VLLM_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_SERVER_DEV_MODE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}


class Engine:
    """A server process and its address."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, "--port", str(port)], env={**os.environ, **environment}, stdout=out, stderr=out
            )

    async def ready(self, client: aiohttp.ClientSession) -> None:
        """Waits until the engine answers; raises RuntimeError if it does not."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                async with client.get(self.url + "/health") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError(f"{self.name} does not answer")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


async def complete(client: aiohttp.ClientSession, url: str, prompt: list[int], n: int, limit: int, seed: int) -> int:
    """One request; gives the number of tokens that came back."""
    body = {
        "prompt": prompt, "n": n, "max_tokens": limit, "seed": seed, "temperature": 1.0, "logprobs": 0,
        "return_token_ids": True, "ignore_eos": True,
    }  # fmt: skip
    async with client.post(url + "/v1/completions", json=body) as response:
        answer = await response.json()
        if response.status != 200:
            raise RuntimeError(f"{url}: {answer}")
        return sum(len(choice["token_ids"]) for choice in answer["choices"])


async def steady(client: aiohttp.ClientSession, url: str, sequences: int, seconds: float) -> float:
    """Tokens per second with so many sequences in flight: prompts of 100 ids, 64 new tokens, n = 4."""
    draw, tokens = random.Random(sequences), 0
    end = time.monotonic() + seconds

    async def caller() -> None:
        nonlocal tokens
        while time.monotonic() < end:
            prompt = [draw.randrange(3, 99) for _ in range(100)]
            got = await complete(client, url, prompt, SAMPLES, 64, draw.randrange(1 << 30))
            tokens += got

    began = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(sequences // SAMPLES)))
    return tokens / (time.monotonic() - began)


async def burst(client: aiohttp.ClientSession, url: str, seed: int) -> float:
    """Seconds for one step of the demo: 64 prompts of 10 to 45 ids at once, n = 8, 6 new tokens."""
    draw = random.Random(seed)
    prompts = [[draw.randrange(3, 99) for _ in range(draw.randrange(10, 46))] for _ in range(64)]
    began = time.monotonic()
    await asyncio.gather(*(complete(client, url, p, 8, 6, 8 * i) for i, p in enumerate(prompts)))
    return time.monotonic() - began


async def measure(engines: list[Engine], rounds: int, seconds: float) -> list[tuple[str, list[float], bool]]:
    """Rows of a label, one median per engine, and whether more is better."""
    timeout = aiohttp.ClientTimeout(total=START)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as client:
        for engine in engines:
            await engine.ready(client)
            for _ in range(2):  # kernels and connections warm up
                await burst(client, engine.url, 0)
            await steady(client, engine.url, 64, 1)
        loads: list[tuple[str, Callable, bool]] = [
            (f"{n} sequences, tokens/s", lambda url, _, n=n: steady(client, url, n, seconds), True)
            for n in (4, 32, 64, 128)
        ]
        loads.append(("64 requests, n = 8, seconds", lambda url, i: burst(client, url, i), False))
        rows = []
        for label, load, more in loads:
            figures: list[list[float]] = [[] for _ in engines]
            for i in range(rounds):
                for engine, own in zip(engines, figures, strict=True):
                    own.append(await load(engine.url, i))
            rows.append((label, [statistics.median(own) for own in figures], more))
            print(f"measured: {label}", file=sys.stderr)
    return rows


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def table(engines: list[Engine], rows: list[tuple[str, list[float], bool]]) -> str:
    """The table as text; the ratio is how many times faster the small engine is."""
    lines = [f"{'load':30}" + "".join(f"{e.name:>12}" for e in engines) + (f"{'ratio':>8}" if len(engines) > 1 else "")]
    for label, figures, more in rows:
        cells = "".join(f"{f:12,.0f}" if more else f"{f:12.3f}" for f in figures)
        ratio = figures[0] / figures[-1] if more else figures[-1] / figures[0]
        lines.append(f"{label:30}{cells}" + (f"{ratio:7.1f}×" if len(engines) > 1 else ""))
    return "\n".join(lines)


def start(args: argparse.Namespace, folder: Path) -> list[Engine]:
    """Makes the model and starts the engines on it."""
    model = str(folder / "model")
    parameters = tiny.make(
        Path(model), layers=args.layers, width=args.width, heads=args.heads, kv_heads=args.heads // 2,
        intermediate=args.intermediate,
    )  # fmt: skip
    print(f"model: {parameters:,} parameters; {len(os.sched_getaffinity(0))} cores", file=sys.stderr)
    small = [sys.executable, "-m", "ropewalk_trainer.engine", "--model", model, "--max-model-len", "1024"]
    small += ["--threads", str(args.threads)]
    engines = [Engine("small", small, {}, folder / "small.log")]
    if args.vllm:
        command = [args.vllm, "serve", model, "--host", "127.0.0.1", "--dtype", "float32", "--max-model-len", "1024"]
        command += ["--enforce-eager", "--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"]
        # Pieces of seeded prompts kill vLLM 0.29 on a CPU: see scripts/install-vllm-cpu.
        command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "2048"]
        engines.append(Engine("vLLM", command, VLLM_ENVIRONMENT, folder / "vllm.log"))
    else:
        print("vLLM is not installed: scripts/bench-engine --install compares with it", file=sys.stderr)
    return engines


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench-engine", description=__doc__)
    parser.add_argument("--vllm", help="the vllm program; scripts/bench-engine fills it in")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--intermediate", type=int, default=256)
    parser.add_argument("--threads", type=int, default=0, help="of the small engine; 0 lets it choose")
    parser.add_argument("--rounds", type=int, default=3, help="alternating, medians shown (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load and round (default %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engines = start(args, Path(folder))
        try:
            rows = asyncio.run(measure(engines, args.rounds, args.seconds))
        except RuntimeError as err:
            logs = "".join(f"\n{e.name}'s log ends:\n{_end(e.log)}" for e in engines)
            print(f"bench-engine: error: {err}{logs}", file=sys.stderr)
            return 1
        finally:
            for engine in engines:
                engine.stop()
    print(table(engines, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
