"""Settings as frozen dataclasses: bounds, flags' names, and files of them.

A setting has its default, its line of help, its bounds and its choices in one place,
its field; `check_bounds` reads them there.
"""

import dataclasses
import json
import math
import typing
from dataclasses import field, fields, is_dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.files import write_atomic

# Groups whose settings are named without the group: people type them often.
_FLAT = ("data", "optimizer", "objective", "evaluation", "start", "devices")


def setting(default, help, low=None, high=None, above=None, below=None, choices=None):
    """A field of a dataclass of settings.

    Args:
        default: its value, of the type that the field declares.
        help: one line.
        low, high: least and largest value that it may have.
        above, below: what it must be larger, or smaller, than.
        choices: tuple of the values that it may have.
    """
    bounds = {"low": low, "high": high, "above": above, "below": below}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    metadata = {"help": help, "choices": choices, "bounds": given}
    return field(default=default, metadata=metadata)


# Kinds of numbers: 0 or more, 1 or more, 0 to 1; learning rates; decays of means.
amount = partial(setting, low=0)
count = partial(setting, low=1)
share = partial(setting, low=0, high=1)
rate = partial(setting, above=0, below=1)
decay = partial(setting, low=0, below=1)


def flag_of(path):
    """The flag of a setting.

    Args:
        path: where it stands, as "data.image_size" or "weights.style", whose flags are
            `--image-size` and `--weights.style`.
    """
    group, _, name = path.rpartition(".")
    return "--" + (name if group in _FLAT else path).replace("_", "-")


def require(settings, path, holds, rule):
    """Refuses a setting, named as its flag, unless its rule holds.

    Raises:
        InputError: "--flag must be <rule>, received <value>."
    """
    if not holds:
        value = attrgetter(path)(settings)
        received = "none" if value is None else value
        raise InputError(f"{flag_of(path)} must be {rule}, received {received}.")


def check_bounds(settings):
    """Refuses a value that lies outside of its setting's bounds and choices.

    Args:
        settings: dataclass of settings, nested ones included.

    Raises:
        InputError: the first such value.
    """
    for path, found, value in walk(settings):
        choices, bounds = found.metadata["choices"], found.metadata["bounds"]
        if choices:
            rule = f"one of {', '.join(choices)}"
            require(settings, path, value in choices, rule)
        elif bounds:
            numbers = value if isinstance(value, tuple) else (value,)
            holds = all(_within(number, **bounds) for number in numbers)
            require(settings, path, holds, _rule(**bounds))


def _within(number, low=-math.inf, high=math.inf, above=-math.inf, below=math.inf):
    # Written so that what is no number (nan) fails, too.
    return low <= number <= high and above < number < below


def _rule(low=None, high=None, above=None, below=None):
    if low is not None and high is not None:
        return f"from {low} to {high}"
    if low is not None:
        return f"{low} or more" + (f" and below {below}" if below is not None else "")
    return f"above {above}" + (f" and below {below}" if below is not None else "")


def walk(settings, prefix=""):
    """Every setting of a dataclass and of those inside, as (path, field, value)."""
    for found in fields(settings):
        value = getattr(settings, found.name)
        if is_dataclass(value):
            yield from walk(value, f"{prefix}{found.name}.")
        else:
            yield prefix + found.name, found, value


def replaced(settings, path, value):
    """A copy of a dataclass of settings with the setting at `path` changed."""
    first, _, rest = path.partition(".")
    if rest:
        value = replaced(getattr(settings, first), rest, value)
    return dataclasses.replace(settings, **{first: value})


def save_config(settings, path):
    """Writes a dataclass of settings as JSON."""
    text = json.dumps(dataclasses.asdict(settings), indent=2, default=str)
    write_atomic(path, (text + "\n").encode())


def load_config(path, kind):
    """The settings that `save_config` wrote; those that are missing have defaults.

    Args:
        path: of the file.
        kind: dataclass of the settings.

    Raises:
        InputError: no such file, not JSON, or settings this version does not know.
    """
    try:
        return _from_dict(kind, json.loads(Path(path).read_text()))
    except OSError as error:
        raise InputError(
            f"{path} must be a readable file of settings, received: {error.strerror}."
        ) from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{path} must hold settings of this version, received {error}."
        ) from error


def _from_dict(kind, values):
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} for a group of settings")
    kinds = {found.name: found.type for found in fields(kind)}
    # What earlier versions had and nothing needs any more.
    gone = getattr(kind, "GONE", ())
    values = {name: value for name, value in values.items() if name not in gone}
    unknown = set(values) - set(kinds)
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return kind(**{name: _typed(name, kinds[name], values[name]) for name in values})


_JSON_TYPES = {bool: bool, int: int, float: (int, float), str: str, Path: str}


def _typed(name, kind, value):
    """A value from JSON as the type that its field declares."""
    if is_dataclass(kind):
        return _from_dict(kind, value)
    if kind in (Path | None, str | None):
        return None if value is None else _typed(name, typing.get_args(kind)[0], value)
    if typing.get_origin(kind) is tuple:
        kinds = typing.get_args(kind)
        if isinstance(value, list) and len(value) == len(kinds):
            return tuple(_typed(name, k, v) for k, v in zip(kinds, value))
    # A bool is an int in Python, but no number of anything here.
    elif isinstance(value, _JSON_TYPES[kind]) and (type(value) is bool) == (
        kind is bool
    ):
        return kind(value)
    raise TypeError(f"{value!r} for {name}")
