"""Errors that end the trainer with a clear message instead of a traceback."""

EXIT_FAILURE = 1  # the work failed
EXIT_USAGE = 2  # wrong arguments or configuration
EXIT_BAD_INPUT = 3  # a file is missing, corrupt or foreign


class TrainerError(Exception):
    """The work failed. The message names the place; `hint` says what to try next."""

    exit_code = EXIT_FAILURE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(TrainerError):
    """A bad configuration: names file, key, what was expected and what was found."""

    exit_code = EXIT_USAGE


class InputError(TrainerError):
    """A bad file: names it, and the row and column where there are any."""

    exit_code = EXIT_BAD_INPUT
