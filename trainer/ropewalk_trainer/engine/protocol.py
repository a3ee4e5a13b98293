"""vLLM's JSON: what a body may say, and how an answer looks."""

import os
import time
from dataclasses import dataclass
from typing import Any

from .scheduler import Completion, Request, Sampling
from .tokens import Tokens

MAX_SEQUENCES = 16384  # of one request, over its prompts
# What would change the distribution that is sampled, or the answer's form, and the values that do not.
NEUTRAL: dict[str, tuple] = {
    "top_p": (1,), "top_k": (0, -1), "min_p": (0,), "typical_p": (1,), "repetition_penalty": (1,),
    "presence_penalty": (0,), "frequency_penalty": (0,), "min_tokens": (0,), "stop": ("", []), "stream": (False,),
    "echo": (False,), "suffix": ("",), "best_of": (1,), "use_beam_search": (False,), "logit_bias": ({},),
    "allowed_token_ids": (), "bad_words": ([],), "response_format": (), "structured_outputs": (),
    "logprob_token_ids": ([],), "truncate_prompt_tokens": (), "prompt_embeds": (), "thinking_token_budget": (),
}  # fmt: skip


class BadRequest(Exception):
    """An error for the client: HTTP status, vLLM's error type, and the parameter at fault."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> dict[str, Any]:
        kind = {400: "BadRequestError", 404: "NotFoundError", 503: "ServiceUnavailableError"}
        name = kind.get(self.status, "InternalServerError")
        return {"error": {"message": str(self), "type": name, "param": self.param, "code": self.status}}


@dataclass(frozen=True, slots=True)
class Model:
    """What requests are checked against."""

    name: str
    vocabulary: int
    context: int
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Ask:
    """A checked request and what its answer should hold."""

    request: Request
    id: str
    logprobs: bool
    return_ids: bool


def completion_request(body: Any, model: Model) -> Ask:
    """A body of /v1/completions. Raises BadRequest."""
    fields = _fields(body, model)
    texts = fields.get("prompt")
    if isinstance(texts, str) or (isinstance(texts, list) and texts and not isinstance(texts[0], str | list)):
        texts = [texts]
    if not isinstance(texts, list) or not texts:
        raise BadRequest("prompt must be a text, a list of token ids, or a list of either", "prompt")
    special = bool(fields.get("add_special_tokens", True))
    prompts = [model.tokens.encode(t, special) if isinstance(t, str) else t for t in texts]
    limit = _integer(fields, "max_tokens", 16, 1)
    request = _request(fields, fields, prompts, limit, model)
    return Ask(request, f"cmpl-{_unique()}", fields.get("logprobs") is not None, bool(fields.get("return_token_ids")))


def generate_request(body: Any, model: Model) -> Ask:
    """A body of /inference/v1/generate. Raises BadRequest."""
    fields = _fields(body, model)
    sampling = fields.get("sampling_params")
    if not isinstance(sampling, dict):
        raise BadRequest("sampling_params must be an object", "sampling_params")
    _refuse(sampling)
    ids = fields.get("token_ids")
    room = model.context - (len(ids) if isinstance(ids, list) else 0)
    limit = _integer(sampling, "max_tokens", max(1, room), 1)
    request = _request(fields, sampling, [ids], limit, model)
    name = fields.get("request_id") or _unique()
    return Ask(
        request, f"generate-tokens-{name}", sampling.get("logprobs") is not None, bool(fields.get("return_token_ids"))
    )


def _fields(body: Any, model: Model) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    name = body.get("model")
    if name is not None and name != model.name:
        raise BadRequest(f"The model `{name}` does not exist; this server has `{model.name}`.", "model", 404)
    _refuse(body)
    return body


def _refuse(fields: dict[str, Any]) -> None:
    """Never ignores what it cannot do: log-probabilities must be those of the distribution that was sampled."""
    for name, neutral in NEUTRAL.items():
        value = fields.get(name)
        if value is not None and value not in neutral:
            raise BadRequest(f"{name}={value!r} is not supported by the small engine; leave it out", name)
    for name in ("logprobs", "prompt_logprobs"):
        if fields.get(name) not in (None, 0, False):
            raise BadRequest(f"{name} may be 0 (the token itself), not {fields[name]!r}", name)


def _request(fields: dict, sampling: dict, prompts: list, limit: int, model: Model) -> Request:
    checked = [_prompt(ids, limit, model) for ids in prompts]
    n = _integer(sampling, "n", 1, 1)
    if n * len(checked) > MAX_SEQUENCES:
        raise BadRequest(f"n={n} for {len(checked)} prompts is more than {MAX_SEQUENCES} completions", "n")
    temperature = sampling.get("temperature")
    temperature = 1.0 if temperature is None else temperature
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 100:
        raise BadRequest(f"temperature must be a number from 0 to 100, not {temperature!r}", "temperature")
    seed = sampling.get("seed")
    if seed is None:
        seed = int.from_bytes(os.urandom(7), "little")
    elif isinstance(seed, bool) or not isinstance(seed, int) or not -(1 << 63) <= seed < 1 << 64:
        raise BadRequest(f"seed must be a 64-bit integer, not {seed!r}", "seed")
    stops = tuple(sampling.get("stop_token_ids") or ())
    if len(stops) > 1024 or not all(type(s) is int and 0 <= s < model.vocabulary for s in stops):
        raise BadRequest("stop_token_ids must be at most 1024 ids of the vocabulary", "stop_token_ids")
    if not sampling.get("ignore_eos"):
        stops = tuple(dict.fromkeys((*stops, *model.tokens.ends)))
    scored = sampling.get("prompt_logprobs") is not None
    salt = str(fields.get("cache_salt") or "")
    return Request(checked, n, seed, Sampling(limit, float(temperature), stops), scored, salt)


def _prompt(ids: Any, limit: int, model: Model) -> tuple[int, ...]:
    if not isinstance(ids, list) or not all(type(i) is int for i in ids):
        raise BadRequest("token ids must be a list of integers", "prompt")
    if not ids:
        raise BadRequest("the prompt is empty: it must have at least one token", "prompt")
    if min(ids) < 0 or max(ids) >= model.vocabulary:
        odd = next(i for i in ids if not 0 <= i < model.vocabulary)
        raise BadRequest(f"Token id {odd} is out of vocabulary (0 to {model.vocabulary - 1})", "prompt")
    if len(ids) + limit > model.context:
        raise BadRequest(
            f"This model's maximum context length is {model.context} tokens, but {len(ids)} of the prompt and"
            f" max_tokens={limit} make {len(ids) + limit}. Shorten the prompt, ask for fewer tokens, or start the"
            " engine with a larger --max-model-len.",
            "max_tokens",
        )
    return tuple(ids)


def _integer(fields: dict[str, Any], name: str, default: int, least: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not int or not least <= value < 1 << 31:
        raise BadRequest(f"{name} must be an integer of at least {least}, not {value!r}", name)
    return value


def _unique() -> str:
    return os.urandom(8).hex()


def _stop_reason(done: Completion, tokens: Tokens) -> int | None:
    """The stop token that ended a completion, None for the model's own."""
    return done.ids[-1] if done.reason == "stop" and done.ids[-1] not in tokens.ends else None


def completion_answer(ask: Ask, model: Model) -> dict[str, Any]:
    """The answer of /v1/completions to a complete request."""
    tokens, completions = model.tokens, ask.request.done
    # The token that ended a completion is among its ids but not in its text.
    texts = tokens.decode_all([c.ids[:-1] if c.reason == "stop" else c.ids for c in completions])
    choices = []
    for index, (done, text) in enumerate(zip(completions, texts, strict=True)):
        choice: dict[str, Any] = {
            "index": index,
            "text": text,
            "logprobs": _logprobs(done, tokens) if ask.logprobs else None,
            "finish_reason": done.reason,
            "stop_reason": _stop_reason(done, tokens),
            "token_ids": done.ids if ask.return_ids else None,
            "prompt_token_ids": list(done.prompt.ids) if ask.return_ids else None,
            "prompt_logprobs": _prompt_logprobs(done, tokens) if ask.request.scored else None,
        }
        choices.append(choice)
    return {
        "id": ask.id,
        "object": "text_completion",
        "created": int(time.time()),
        "model": model.name,
        "choices": choices,
        "usage": _usage(ask.request),
    }


def generate_answer(ask: Ask, model: Model) -> dict[str, Any]:
    """The answer of /inference/v1/generate to a complete request."""
    choices = []
    for index, done in enumerate(ask.request.done):
        content = [
            {"token": f"token_id:{i}", "logprob": lp, "bytes": None, "top_logprobs": []}
            for i, lp in zip(done.ids, done.logprobs, strict=True)
        ]
        choices.append(
            {
                "index": index,
                "logprobs": {"content": content} if ask.logprobs else None,
                "finish_reason": done.reason,
                "token_ids": done.ids,
            }
        )
    first = ask.request.done[0]
    return {
        "request_id": ask.id,
        "model": model.name,
        "created": int(time.time()),
        "choices": choices,
        "usage": _usage(ask.request),
        "prompt_logprobs": _prompt_logprobs(first, model.tokens) if ask.request.scored else None,
        "prompt_token_ids": list(first.prompt.ids) if ask.return_ids else None,
    }


def _logprobs(done: Completion, tokens: Tokens) -> dict[str, list]:
    names = [tokens.name(i) for i in done.ids]
    offsets, at = [], 0
    for name in names:
        offsets.append(at)
        at += len(name)
    top = [{name: lp} for name, lp in zip(names, done.logprobs, strict=True)]
    return {"text_offset": offsets, "token_logprobs": done.logprobs, "tokens": names, "top_logprobs": top}


def _prompt_logprobs(done: Completion, tokens: Tokens) -> list[dict | None]:
    rows: list[dict | None] = [None]
    for token, (logprob, rank) in zip(done.prompt.ids[1:], done.prompt.scores, strict=False):
        rows.append({str(token): {"logprob": logprob, "rank": rank, "decoded_token": tokens.name(token)}})
    return rows


def _usage(request: Request) -> dict[str, int]:
    prompt = sum(map(len, request.prompts))
    new = sum(len(c.ids) for c in request.done)
    return {"prompt_tokens": prompt, "completion_tokens": new, "total_tokens": prompt + new}
