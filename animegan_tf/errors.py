"""Errors that end a tool with one sentence instead of a traceback."""


class InputError(ValueError):
    """A file, folder or value given by the user cannot be used.

    The message is one sentence that names the file or value, states the rule and
    says what was received. Tools print it and exit with status 2.
    """


class OutputError(InputError):
    """Nothing can be written there, whatever its name: a disk is full or read-only.

    What is done for many files ends with it; other errors are one file's own.
    """


class TrainingError(RuntimeError):
    """Training cannot go on, such as when a loss is no longer a number."""


class Interrupted(Exception):
    """A signal asked for an end; what is needed to go on is saved.

    Args:
        message: says so, and how to go on.
        signal: number of the signal.
    """

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal
