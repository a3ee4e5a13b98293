"""AdamW with a schedule that is a pure function of the step, and a guard against gradients that are not finite."""

import math

import torch

from ropewalk_trainer.config import Trainer


def learning_rate(config: Trainer, step: int, steps: int) -> float:
    """The rate of step 0, 1, …, steps - 1.

    Linear warm-up reaches lr at step `warmup`; then constant, or half a cosine down to min_lr × lr at the last step.
    """
    if step < config.warmup:
        return config.lr * (step + 1) / (config.warmup + 1)
    if config.schedule == "constant":
        return config.lr
    span = max(1, steps - 1 - config.warmup)
    done = min(1.0, (step - config.warmup) / span)
    return config.lr * (config.min_lr + (1 - config.min_lr) * 0.5 * (1 + math.cos(math.pi * done)))


class Optimizer:
    """AdamW over named parameters. Decay leaves vectors (norms, biases) alone."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], config: Trainer, steps: int) -> None:
        self.parameters = parameters
        self.config = config
        self.steps = steps
        self.skipped = 0  # steps left out because their gradient was not finite
        groups = [
            {"params": [p for p in parameters.values() if p.ndim >= 2], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters.values() if p.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        betas = config.beta1, config.beta2
        self.adamw = torch.optim.AdamW(groups, lr=config.lr, betas=betas, eps=1e-8, fused=True)

    def clear(self) -> None:
        """Forgets gradients."""
        self.adamw.zero_grad(set_to_none=True)

    def apply(self, step: int) -> tuple[float, float]:
        """One update from the gradients present: (gradient norm before clipping, learning rate).

        A gradient that is not finite moves nothing, neither weights nor moments, and is counted in `skipped`.
        """
        rate = learning_rate(self.config, step, self.steps)
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        norm_tensor = torch.nn.utils.get_total_norm(gradients)
        norm = float(norm_tensor)
        if not math.isfinite(norm):
            self.skipped += 1
            self.clear()
            return norm, rate
        if 0 < self.config.grad_clip < norm:
            scale = self.config.grad_clip / norm
            torch._foreach_mul_(gradients, scale)
        for group in self.adamw.param_groups:
            group["lr"] = rate
        self.adamw.step()
        self.clear()
        return norm, rate

    def state(self) -> dict[str, torch.Tensor]:
        """Moments and step counts by parameter name, flat, for safetensors."""
        flat = {}
        for name, parameter in self.parameters.items():
            for key, value in self.adamw.state.get(parameter, {}).items():
                flat[f"{key}/{name}"] = value.detach().contiguous()
        return flat

    def restore(self, flat: dict[str, torch.Tensor]) -> None:
        """The inverse of state."""
        self.adamw.state.clear()
        for full, value in flat.items():
            key, name = full.split("/", 1)
            parameter = self.parameters[name]
            self.adamw.state[parameter][key] = value.clone().to(parameter.device)
