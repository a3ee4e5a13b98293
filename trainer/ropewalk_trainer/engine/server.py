"""HTTP, and the loop that steps the scheduler.

Everything happens on one thread: between two steps the event loop reads sockets and runs handlers, which only leave
notes (add, abort, pause, load) that the loop takes up before the next step. When steps are slow, because the model is
large, each runs on a helper thread while the network is served; still nobody else touches the scheduler.
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from aiohttp import web

from . import metrics
from .protocol import Ask, BadRequest, Model, completion_answer, completion_request, generate_answer, generate_request
from .scheduler import Request, Scheduler
from .weights import ModelError, load

VERSION = "0.1.0"
SLOW = 0.02  # seconds; steps that take longer leave the event loop's thread
BODY = 64 << 20  # most bytes of a request


class Runner:
    """Steps a scheduler for as long as it is busy, and tells who waits."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.notes: list[Callable[[], list[Request] | None]] = []
        self.wake = asyncio.Event()
        self.futures: dict[Request, asyncio.Future] = {}
        self.drained: list[asyncio.Future] = []

    async def run(self) -> None:
        """Never returns; raises what a step raises."""
        loop = asyncio.get_running_loop()
        seconds = 0.0
        while True:
            self._take_notes()
            if not self.scheduler.busy:
                self._tell_drained()
                self.wake.clear()
                await self.wake.wait()
                continue
            start = time.perf_counter()
            if seconds > SLOW:
                ended = await loop.run_in_executor(None, self.scheduler.step)
            else:
                ended = self.scheduler.step()
            seconds = 0.8 * seconds + 0.2 * (time.perf_counter() - start)
            self._tell(ended)
            await asyncio.sleep(0)

    def _take_notes(self) -> None:
        notes, self.notes = self.notes, []
        for note in notes:
            self._tell(note() or [])

    def _tell(self, ended: list[Request]) -> None:
        for request in ended:
            future = self.futures.pop(request, None)
            if future is not None and not future.done():
                future.set_result(None)

    def _tell_drained(self) -> None:
        waiters, self.drained = self.drained, []
        for future in waiters:
            if not future.done():
                future.set_result(None)

    def note(self, do: Callable[[], list[Request] | None]) -> None:
        """Leaves something to do before the next step."""
        self.notes.append(do)
        self.wake.set()

    async def between(self, do: Callable[[], list[Request] | None]) -> None:
        """Does something between two steps and returns, or raises what it raised, when it is done."""
        future = asyncio.get_running_loop().create_future()

        def guarded() -> list[Request] | None:
            try:
                ended = do()
            except ValueError as err:
                if not future.done():
                    future.set_exception(err)
                return None
            if not future.done():  # the caller may have gone away
                future.set_result(None)
            return ended

        self.note(guarded)
        await future

    async def generate(self, request: Request) -> None:
        """Returns when request is complete; when the caller is cancelled, aborts it."""
        future = self.futures[request] = asyncio.get_running_loop().create_future()
        self.note(lambda: self.scheduler.add(request))
        try:
            await future
        except asyncio.CancelledError:
            self.futures.pop(request, None)
            self.note(lambda: self.scheduler.abort(request))
            raise

    async def drain(self) -> None:
        """Returns when nothing is left to step."""
        future = asyncio.get_running_loop().create_future()
        self.note(lambda: self.drained.append(future))
        await future


class Handlers:
    """The routes of one model."""

    def __init__(self, runner: Runner, model: Model, rounded: torch.dtype) -> None:
        self.runner = runner
        self.model = model
        self.rounded = rounded
        self.created = int(time.time())

    def application(self) -> web.Application:
        application = web.Application(middlewares=[errors], client_max_size=BODY)
        application.add_routes(
            [
                web.post("/v1/completions", self.completions),
                web.post("/inference/v1/generate", self.generate),
                web.get("/v1/models", self.models),
                web.get("/health", self.health),
                web.get("/ping", self.health),
                web.get("/version", self.version),
                web.get("/metrics", self.metrics),
                web.get("/load", self.load),
                web.post("/tokenize", self.tokenize),
                web.post("/detokenize", self.detokenize),
                web.post("/pause", self.pause),
                web.post("/resume", self.resume),
                web.get("/is_paused", self.is_paused),
                web.post("/collective_rpc", self.collective_rpc),
                web.post("/reset_prefix_cache", self.reset_prefix_cache),
            ]
        )
        return application

    async def completions(self, http: web.Request) -> web.Response:
        ask = completion_request(await _body(http), self.model)
        return await self._answer(ask, completion_answer)

    async def generate(self, http: web.Request) -> web.Response:
        ask = generate_request(await _body(http), self.model)
        return await self._answer(ask, generate_answer)

    async def _answer(self, ask: Ask, form: Callable[[Ask, Model], dict]) -> web.Response:
        await self.runner.generate(ask.request)
        return _json(form(ask, self.model))

    async def models(self, _: web.Request) -> web.Response:
        card = {
            "id": self.model.name,
            "object": "model",
            "created": self.created,
            "owned_by": "ropewalk",
            "root": self.model.name,
            "parent": None,
            "max_model_len": self.model.context,
        }
        return _json({"object": "list", "data": [card]})

    async def health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def version(self, _: web.Request) -> web.Response:
        return _json({"version": VERSION, "engine": "ropewalk-small"})

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=metrics.text(self.runner.scheduler, self.model.name))

    async def load(self, _: web.Request) -> web.Response:
        return _json({"server_load": len(self.runner.futures)})

    async def tokenize(self, http: web.Request) -> web.Response:
        body = await _body(http)
        tokens = self.model.tokens
        if isinstance(body.get("prompt"), str):
            ids = tokens.encode(body["prompt"], bool(body.get("add_special_tokens", True)))
        elif isinstance(body.get("messages"), list):
            generation, special = bool(body.get("add_generation_prompt", True)), bool(body.get("add_special_tokens"))
            try:
                ids = tokens.chat(body["messages"], generation, special, body.get("chat_template_kwargs") or {})
            except ValueError as err:
                raise BadRequest(str(err), "messages") from err
        else:
            raise BadRequest("give prompt (a text) or messages (a list)", "prompt")
        names = [tokens.name(i) for i in ids] if body.get("return_token_strs") else None
        return _json({"count": len(ids), "max_model_len": self.model.context, "tokens": ids, "token_strs": names})

    async def detokenize(self, http: web.Request) -> web.Response:
        ids = (await _body(http)).get("tokens")
        if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < self.model.vocabulary for i in ids):
            raise BadRequest("tokens must be a list of ids of the vocabulary", "tokens")
        return _json({"prompt": self.model.tokens.decode(ids, skip_special=False)})

    async def pause(self, http: web.Request) -> web.Response:
        mode = http.query.get("mode", "abort")
        if mode not in ("abort", "wait", "keep"):
            raise BadRequest(f"mode must be abort, wait or keep, not {mode!r}", "mode")
        await self.runner.between(lambda: self.runner.scheduler.pause(mode))
        if mode == "wait":
            await self.runner.drain()
        return _json({"status": "paused"})

    async def resume(self, _: web.Request) -> web.Response:
        await self.runner.between(self.runner.scheduler.resume)
        return _json({"status": "resumed"})

    async def is_paused(self, _: web.Request) -> web.Response:
        return _json({"is_paused": self.runner.scheduler.paused})

    async def collective_rpc(self, http: web.Request) -> web.Response:
        body = await _body(http)
        if body.get("method") != "reload_weights":
            raise BadRequest(f"method {body.get('method')!r} is unknown; there is reload_weights", "method")
        path = (body.get("kwargs") or {}).get("weights_path")
        if not isinstance(path, str) or not path:
            raise BadRequest("reload_weights needs kwargs.weights_path, a model folder", "kwargs")
        scheduler = self.runner.scheduler
        try:
            # Read and checked whole, beside the work; then swapped between two steps or not at all.
            weights = await asyncio.to_thread(load, Path(path), self.model.context, self.rounded)
            await self.runner.between(lambda: scheduler.load(weights))
        except (ModelError, ValueError) as err:
            raise BadRequest(f"weights not loaded, the old ones stay: {err}", "weights_path", 500) from err
        return _json({"results": [None]})

    async def reset_prefix_cache(self, _: web.Request) -> web.Response:
        await self.runner.between(self.runner.scheduler.forget)
        return _json({"success": True})


@web.middleware
async def errors(http: web.Request, handler: Callable) -> web.StreamResponse:
    """Errors in vLLM's form."""
    try:
        return await handler(http)
    except BadRequest as err:
        return _json(err.body(), err.status)
    except web.HTTPException as err:
        return _json(BadRequest(f"{http.method} {http.path}: {err.reason}", None, err.status).body(), err.status)


async def _body(http: web.Request) -> Any:
    try:
        body = json.loads(await http.read())
    except ValueError as err:
        raise BadRequest(f"the body is not JSON: {err}") from err
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body, separators=(",", ":")).encode(), status=status, content_type="application/json"
    )
