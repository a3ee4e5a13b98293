"""Waits that have a name and a deadline, and the request to stop that ends them."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from ropewalk_trainer.failure import EXIT_FAILURE, TrainerError
from ropewalk_trainer.metrics import say

POLL = 0.015  # seconds
PATIENCE = 5.0  # seconds a step may go on after a request to stop


class Stopped(Exception):
    """A request to stop ended a wait or a step."""


class Stop:
    """Set by SIGTERM or SIGINT; a second signal kills at once."""

    def __init__(self) -> None:
        self.requested: float | None = None  # time.monotonic()

    def listen(self) -> None:
        """Installs the signal handlers."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.requested = time.monotonic()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def check(self) -> None:
        """Raises Stopped once a request is so old that the step at hand must be abandoned."""
        if self.requested is not None and time.monotonic() - self.requested > PATIENCE:
            raise Stopped


@dataclass(frozen=True, slots=True)
class Patience:
    """stall: seconds after which a wait says what it waits for. give_up: seconds after which it fails."""

    stall: float
    give_up: float


def wait_for(what: str, ready: Callable[[], bool], stop: Stop, patience: Patience) -> float:
    """Polls until ready, and gives the seconds it took. Raises Stopped, or TrainerError after give_up."""
    begin = time.monotonic()
    said = 0.0
    while not ready():
        if stop.requested is not None:
            raise Stopped
        waited = time.monotonic() - begin
        if waited > patience.give_up:
            raise TrainerError(
                f"waited {waited:.0f} s for {what}; giving up", "see logs/ and metrics/coordinator.jsonl"
            )
        if waited - said > patience.stall:
            said = waited
            say(f"waiting for {what} since {waited:.0f} s")
        time.sleep(POLL)
    return time.monotonic() - begin


def exit_with_parent() -> None:
    """Ends this process as soon as its stdin closes: the parent that held the other end is gone.

    At once and without clean-up: whatever is on disk is whole at any moment.
    """

    def watch() -> None:
        while sys.stdin.buffer.raw.read(4096):
            pass
        os._exit(EXIT_FAILURE)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()
