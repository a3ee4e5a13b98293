"""The text at /metrics, under vLLM's names where clients look for them."""

from .scheduler import Scheduler


def text(scheduler: Scheduler, model: str) -> str:
    """Prometheus exposition. iteration_tokens_total_count advances with every step: the engine's heartbeat."""
    waiting = len(scheduler.waiting) + len(scheduler.held)
    used = scheduler.running / scheduler.slots
    rows = [
        ("vllm:num_requests_running", "gauge", "Sequences being generated.", "", scheduler.running),
        ("vllm:num_requests_waiting", "gauge", "Sequences waiting for a slot.", "", waiting),
        ("vllm:kv_cache_usage_perc", "gauge", "Share of the slots in use.", "", used),
        ("vllm:num_preemptions_total", "counter", "Always 0: an admitted sequence keeps its slot.", "", 0),
        ("vllm:prompt_tokens_total", "counter", "Prompt tokens computed.", "", scheduler.prompt_tokens),
        ("vllm:generation_tokens_total", "counter", "Tokens drawn.", "", scheduler.new_tokens),
        ("vllm:iteration_tokens_total", "histogram", "Tokens per step.", "_count", scheduler.steps),
        ("", "", "", "vllm:iteration_tokens_total_sum", scheduler.prompt_tokens + scheduler.new_tokens),
    ]
    label = model.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    lines = []
    for name, kind, about, suffix, value in rows:
        if name:
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        lines.append(f'{name}{suffix}{{engine="0",model_name="{label}"}} {float(value)}')
    return "\n".join(lines) + "\n"
