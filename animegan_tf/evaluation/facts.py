"""What every report says of how it was made."""

import platform
from importlib import metadata

import animegan_tf
from animegan_tf.evaluation.weights import file_hash
from animegan_tf.inference import find_generator

_PACKAGES = ("numpy", "pillow", "scipy", "scikit-image", "opencv-python-headless")
_TENSORFLOWS = ("tensorflow", "tensorflow-cpu")


def describe(network, part: str) -> str:
    """A network with its weights, as a report names it.

    Args:
        network: of `features`.
        part: str, what of a picture it looks at.
    """
    return (
        f"{network.weights}, SHA-256 {network.weights_hash}; {part}, brought to "
        f"{network.size} x {network.size} pixels by Pillow's {network.filter} filter "
        "with antialiasing"
    )


def describe_generators(generators: dict) -> dict[str, str]:
    """What painted each method's pictures, by name.

    Args:
        generators: name and path of each; None for the cartoon filter.
    """
    return {f"Painter of {name}": _painter(path) for name, path in generators.items()}


def _painter(path):
    if path is None:
        return "OpenCV's stylization filter with its default values"
    path = find_generator(path)
    return f"{path}, SHA-256 {file_hash(path)}" if path.is_file() else str(path)


def circumstances(command: str, seed: int) -> dict[str, str]:
    """Version, command line, seed and packages, by name."""
    return {
        "Seed": str(seed),
        "animegan_tf": animegan_tf.__version__,
        "Packages": ", ".join(_versions()),
        "Command": command or "none: called from Python",
    }


def _versions():
    yield f"Python {platform.python_version()}"
    for names in (_TENSORFLOWS, *((name,) for name in _PACKAGES)):
        for name in names:
            try:
                yield f"{name} {metadata.version(name)}"
                break
            except metadata.PackageNotFoundError:
                continue
