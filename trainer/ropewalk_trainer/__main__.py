"""Command line of the trainer. stdout stays empty; messages go to stderr."""

import argparse
import os
import sys
from pathlib import Path

from ropewalk_trainer.failure import EXIT_FAILURE, EXIT_USAGE, TrainerError
from ropewalk_trainer.metrics import say
from ropewalk_trainer.waiting import Stop, exit_with_parent

EXAMPLES = """examples:
  python -m ropewalk_trainer --run runs/demo                    train as batches come, until the run ends
  python -m ropewalk_trainer --run runs/demo --once-available   train the batches that are there, then stop
  python -m ropewalk_trainer --run runs/demo --steps 3          stop after version 3

exit codes: 0 done or stopped by a signal, 1 failed, 2 configuration, 3 bad file
"""


def parse(argv: list[str]) -> argparse.Namespace:
    """The arguments; argparse exits with 2 on wrong ones."""
    parser = argparse.ArgumentParser(
        prog="ropewalk_trainer",
        description="Trains on the batches of a run folder and exports a policy version after each.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder, with its config.yaml")
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--once-available", action="store_true", help="train the batches that are there, then stop")
    until.add_argument("--steps", type=int, metavar="N", help="stop after version N instead of run.steps")
    parser.add_argument("--exit-with-parent", action="store_true", help="end at once when stdin closes")
    args = parser.parse_args(argv)
    if args.steps is not None and args.steps < 1:
        parser.error(f"--steps: expected at least 1, found {args.steps}")
    return args


def main(argv: list[str]) -> int:
    """Runs the trainer and gives its exit code."""
    args = parse(argv)
    if args.exit_with_parent:
        exit_with_parent()
    stop = Stop()
    stop.listen()
    # Read once, when PyTorch's OpenMP is loaded: how long its threads spin before they sleep. The default, 300 times as
    # much, is faster on idle cores and ten times slower where an engine or a coordinator shares them, as on a laptop.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Imported late: a wrong argument is answered, and a dead parent noticed, before PyTorch has loaded.
    from ropewalk_trainer import train

    try:
        train.main(train.Options(args.run, args.steps, args.once_available), stop)
    except TrainerError as err:
        say(f"error: {err}")
        if err.hint:
            say(f"  hint: {err.hint}")
        return err.exit_code
    except OSError as err:
        say(f"error: {err.filename or args.run}: {err.strerror or err}")
        return EXIT_USAGE if isinstance(err, FileNotFoundError) and not args.run.is_dir() else EXIT_FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
