"""Errors that end a tool with one sentence instead of a traceback."""


class InputError(ValueError):
    """A file, folder or value given by the user cannot be used.

    The message is one sentence that names the file or value, states the rule and
    says what was received. Tools print it and exit with status 2.
    """


class TrainingError(RuntimeError):
    """Training cannot go on, such as when a loss is no longer a number."""
