"""Errors that end a tool with one sentence instead of a traceback."""


class InputError(ValueError):
    """A file, folder or value given by the user cannot be used.

    The message is one sentence that names the file or value, states the rule and
    says what was received. Tools print it and exit with status 2.
    """


class FinalError(InputError):
    """Not about one file of many: what is done for all of them ends with it."""


class OutputError(FinalError):
    """Nothing can be written there, whatever its name: a disk is full or read-only."""


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
