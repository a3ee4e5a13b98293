"""Serves a model folder over HTTP with vLLM's protocol, on the CPU.

    python -m ropewalk_trainer.engine --model runs/tiny --port 8000
    python -m ropewalk_trainer.engine --model runs/tiny --port 0 --max-model-len 512 --exit-with-parent

Nothing guards its endpoints: keep it on the loopback address.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path

SMALL = 8_000_000  # parameters; below, a step is over before a second thread has woken up


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ropewalk_trainer.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help="Hugging Face folder: dense Qwen3, Qwen2 or Llama")
    parser.add_argument("--served-model-name", help="name that requests use (default: --model as given)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one (default %(default)s)")
    parser.add_argument("--max-model-len", type=int, default=0, help="context in tokens (default: the model's own)")
    parser.add_argument("--max-num-seqs", type=int, default=256, help="sequences at a time (default %(default)s)")
    parser.add_argument("--kv-cache-gib", type=float, default=4.0, help="memory of the cache (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: one for tiny models, else all cores")
    parser.add_argument(
        "--dtype", choices=("float32", "bfloat16"), default="float32",
        help="weights are rounded to this; arithmetic is always float32 (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--exit-with-parent", action="store_true", help="exit when standard input closes")
    args = parser.parse_args(arguments)
    if args.max_num_seqs < 1 or args.max_model_len < 0 or args.threads < 0 or args.kv_cache_gib <= 0:
        parser.error("--max-num-seqs and --kv-cache-gib must be positive, --max-model-len and --threads not negative")
    return args


def bind(host: str, port: int) -> socket.socket:
    """Takes the port before the model is loaded, so that a taken one is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def follow_parent() -> None:
    """Ends this process when standard input closes: nothing here outlives a caller that died."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


async def serve(args: argparse.Namespace, listener: socket.socket) -> None:
    """Loads the model and serves until a signal or the engine's own failure, which it raises."""
    import torch
    from aiohttp import web

    from .protocol import Model
    from .scheduler import Scheduler
    from .server import VERSION, Handlers, Runner
    from .tokens import Tokens
    from .weights import load

    rounded = getattr(torch, args.dtype)
    weights = load(Path(args.model), args.max_model_len, rounded)
    torch.set_num_threads(args.threads or (1 if weights.parameters < SMALL else os.cpu_count() or 1))
    slots = slots_within(weights.shape, args.max_num_seqs, args.kv_cache_gib)
    tokens = Tokens(Path(args.model), weights.shape.vocabulary)
    name = args.served_model_name or args.model
    model = Model(name, weights.shape.vocabulary, weights.shape.positions, tokens)
    runner = Runner(Scheduler(weights, slots))
    application = Handlers(runner, model, rounded).application()
    site = web.AppRunner(
        application, handler_cancellation=True, access_log=None, keepalive_timeout=600, shutdown_timeout=1
    )
    await site.setup()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await web.SockSite(site, listener, backlog=4096).start()
    host, port = listener.getsockname()[:2]
    print(
        f"ropewalk-small {VERSION} serves {name} at http://{host}:{port}: context {model.context}, {slots} sequences",
        flush=True,
    )
    work, stopped = asyncio.create_task(runner.run()), asyncio.create_task(stop.wait())
    await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    work.cancel()
    await site.cleanup()


def slots_within(shape, most: int, gib: float) -> int:
    """Sequences of full context that fit the cache's memory, at most most. Raises ModelError if none does."""
    from .weights import ModelError, align

    each = shape.kv_bytes * align(shape.positions)
    slots = min(most, int(gib * 2**30 // each))
    if slots < 1:
        raise ModelError(
            f"one sequence of {shape.positions} tokens needs {each / 2**30:.1f} GiB of cache, more than"
            f" --kv-cache-gib {gib:g}: raise it or lower --max-model-len"
        )
    return slots


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    if args.exit_with_parent:
        follow_parent()
    # Before PyTorch loads its OpenMP: threads that wait soon sleep. Spinning costs more than it saves on shared cores.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        listener = bind(args.host, args.port)
    except OSError as err:
        print(f"engine: error: cannot listen on {args.host}:{args.port}: {err.strerror}", file=sys.stderr)
        return 1
    from .weights import ModelError

    try:
        asyncio.run(serve(args, listener))
    except ModelError as err:
        print(f"engine: error: {err}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
