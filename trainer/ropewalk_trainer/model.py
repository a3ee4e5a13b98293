"""The policy: a Hugging Face causal language model in fp32, asked only for the log-probabilities it needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from ropewalk_trainer.failure import InputError
from ropewalk_trainer.logprob import token_logprobs
from ropewalk_trainer.pack import MicroBatch, sibling_mask

CHECK_TOLERANCE = 1e-3  # nats, fp32


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded model.

    module: parameters fp32, in evaluation mode (no dropout), tied or untied as its folder says.
    compute: dtype of the matrix products; bfloat16 means autocast on CUDA.
    """

    module: Any
    compute: torch.dtype = torch.float32

    @property
    def device(self) -> torch.device:
        return self.head.device

    @property
    def head(self) -> torch.Tensor:
        """Output head [V, H]; the very embedding tensor if the model is tied."""
        return self.module.get_output_embeddings().weight

    @property
    def vocabulary(self) -> int:
        return self.head.shape[0]

    @property
    def tied(self) -> bool:
        return self.head is self.module.get_input_embeddings().weight

    @property
    def attention_scale(self) -> float:
        """Row length at which attention over a full row costs what the layers' matrix products cost."""
        return 6.0 * self.head.shape[1]

    def logprobs(self, micro: MicroBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """(log-probability, entropy) of each target of the micro-batch, fp32 [T], entropy without gradient."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.compute == torch.bfloat16):
            hidden_BLH = self.module.base_model(
                input_ids=micro.ids_BL,
                position_ids=micro.positions_BL,
                attention_mask=micro.mask_B1LL,
                use_cache=False,
            ).last_hidden_state
        hidden_TH = hidden_BLH.flatten(0, 1).index_select(0, micro.source_T).to(self.compute)
        bias_V = self.module.get_output_embeddings().bias
        return token_logprobs(hidden_TH, self.head, bias_V, micro.target_T, micro.temperature_T)

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """Trained parameters by name; a tied head appears once, as the embedding."""
        return dict(self.module.named_parameters())


def load(path: Path, device: torch.device, compute: torch.dtype = torch.float32) -> Policy:
    """Loads a Hugging Face folder, fp32. Raises InputError when it is missing, incomplete or not packable."""
    transformers.utils.logging.disable_progress_bar()
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: no config.json there", "model.path must name a Hugging Face model folder")
    try:
        module, report = transformers.AutoModelForCausalLM.from_pretrained(
            path,
            dtype=torch.float32,
            attn_implementation="sdpa",
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as err:
        raise InputError(f"{path}: transformers cannot load this model: {err}") from err
    for what in ("missing_keys", "mismatched_keys"):
        if report.get(what):
            raise InputError(f"{path}: incomplete weights, {what}: {sorted(map(str, report[what]))[:5]}")
    policy = Policy(module.eval().to(device), compute)
    _refuse_windows(policy, path)
    check(policy, str(path))
    return policy


def _refuse_windows(policy: Policy, path: Path) -> None:
    """Masks are passed explicitly, which would switch off a sliding window or cross a recurrent state."""
    kinds = set(getattr(policy.module.config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise InputError(f"{path}: layers of type {sorted(kinds)}: only full attention can be trained")


@torch.no_grad()
def check(policy: Policy, source: str) -> None:
    """Proves on two short completions of one prompt that this architecture honours masks and positions.

    Compares packed log-probabilities with the model's own plain forward pass; catches recurrent layers, scaled or
    capped logits and ignored masks. Raises InputError.
    """
    generator = torch.Generator().manual_seed(0)
    draw = torch.randint(0, policy.vocabulary, (9,), generator=generator)
    prompt, first, second = draw[:4], draw[4:6], draw[6:9]
    exact = Policy(policy.module)
    packed, _ = exact.logprobs(_pair(prompt, first, second).to(policy.device))
    plain = []
    for completion in (first, second):
        ids = torch.cat([prompt, completion])
        logits = policy.module(input_ids=ids[None].to(policy.device), use_cache=False).logits[0].float()
        wanted = ids[len(prompt) :].to(policy.device)
        plain.append(logits[len(prompt) - 1 : -1].log_softmax(-1).gather(1, wanted[:, None])[:, 0])
    worst = float((packed - torch.cat(plain)).abs().max())
    if not worst <= CHECK_TOLERANCE:
        raise InputError(
            f"{source}: packed log-probabilities differ by {worst:.3g} nats from the model's own",
            f"{type(policy.module).__name__} does not follow explicit masks, or scales its logits",
        )


def _pair(prompt: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> MicroBatch:
    """One row: a prompt and two completions."""
    p, a, b = len(prompt), len(first), len(second)
    segment = torch.tensor([0] * p + [1] * a + [2] * b)
    positions = torch.cat([torch.arange(p + a), torch.arange(p, p + b)])
    source = [p - 1, *range(p, p + a - 1), p - 1, *range(p + a, p + a + b - 1)]
    zeros = torch.zeros(a + b)
    return MicroBatch(
        ids_BL=torch.cat([prompt, first, second])[None],
        positions_BL=positions[None],
        mask_B1LL=sibling_mask(segment[None]),
        source_T=torch.tensor(source),
        target_T=torch.cat([first, second]),
        token_T=torch.arange(a + b),
        sampler_T=zeros,
        advantage_T=zeros,
        weight_T=zeros,
        temperature_T=zeros + 1,
        tokens_real=p + a + b,
    )
