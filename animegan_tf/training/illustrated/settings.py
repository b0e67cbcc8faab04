"""Every setting of learning from an illustrator, its default and its line of help."""

from dataclasses import dataclass
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.settings import amount, check_bounds, count, require, setting, share

_STAGES = "96:16:60000:1e-3:4 128:12:60000:1e-3:3 192:6:40000:6e-4:2 256:4:20000:3e-4:1"


@dataclass(frozen=True)
class IllustratedConfig:
    """A whole run of `tools/train.py --illustrated`."""

    run_dir: Path = setting(Path("runs/illustrated"), "folder that receives everything")
    illustrated: Path | None = setting(
        None, "folder of the drawings, with their landmarks.npz"
    )
    photos: Path | None = setting(None, "folder of the photos, of the same stems")
    hold_out: Path | None = setting(
        None,
        "text file of stems, one a line, that are never trained on, the first of them "
        "for the sample sheets; none: the last 8 stems",
    )
    init: Path | None = setting(
        None,
        "generator to start from, of this width or of half of it; none: random weights",
    )
    width: int = count(32, "channels of the generator's first block")
    memory: int = count(128, "slots of its external attention, without --init")
    stages: str = setting(
        _STAGES,
        "one after the other, SIZE:BATCH:PICTURES:RATE:SEEN: side of the crops, "
        "pictures of a step, pictures in all, learning rate, and how many of a step's "
        "pictures the perceptual network sees",
    )
    faces: tuple[float, float] = setting(
        (40.0, 300.0), "least and largest height of a face in a crop, in pixels", low=16
    )
    degraded: float = share(0.7, "share of the photos that are degraded, 0 to 1")
    eyes: float = setting(
        8.0,
        "weight of a pixel in the eyes; brows and mouth: 0.4 of the way to it",
        low=1,
    )
    gradient: float = amount(1.5, "weight of the distance of gradients, pixels' is 1")
    color: float = amount(
        3.0, "weight of the distance of mean colours in squares of 8 pixels"
    )
    feature: float = amount(0.1, "weight of the distance of perceptual features")
    perceptual_weights: Path | None = setting(
        None, "file of VGG16's weights; none: no perceptual network"
    )
    ema: float = share(0.999, "decay a step of the averaged generator that is saved")
    warm_up: int = amount(200, "steps in which the learning rate rises")
    decay: float = share(
        0.3,
        "share of all steps, at the end, in which the rate falls to nothing, 0 to 1",
    )
    log_steps: int = count(50, "steps between two lines of the log")
    save_minutes: float = amount(10.0, "minutes between two checkpoints")
    sample_minutes: float = amount(15.0, "minutes between two sample sheets")
    workers: int = count(1, "threads that cut pictures")
    precision: str = setting(
        "float32", "arithmetic of the generator", choices=("float32", "mixed_bfloat16")
    )
    seed: int = setting(0, "seed of weights and pictures", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Stage:
    """A part of a run with pictures of one size.

    Attributes:
        size: side of the crops, in pixels.
        batch: pictures of a step.
        pictures: in all.
        rate: learning rate.
        seen: pictures of a step that the perceptual network sees.
    """

    size: int
    batch: int
    pictures: int
    rate: float
    seen: int

    @property
    def steps(self):
        return -(-self.pictures // self.batch)


def read_stages(text: str) -> tuple[Stage, ...]:
    """The stages that `--stages` names.

    Raises:
        InputError: one that is none.
    """
    return tuple(_read_stage(part) for part in text.split())


def _read_stage(text):
    kinds = (int, int, int, float, int)
    try:
        values = [kind(x) for kind, x in zip(kinds, text.split(":"), strict=True)]
    except ValueError:
        raise InputError(
            "--stages must hold SIZE:BATCH:PICTURES:RATE:SEEN, all numbers, "
            f"received {text}."
        ) from None
    stage = Stage(*values)
    rules = {
        "SIZE a multiple of 8, 32 or more": stage.size >= 32 and stage.size % 8 == 0,
        "BATCH 1 or more": stage.batch >= 1,
        "PICTURES 1 or more": stage.pictures >= 1,
        "RATE above 0 and below 1": 0 < stage.rate < 1,
        "SEEN between 0 and BATCH": 0 <= stage.seen <= stage.batch,
    }
    for rule, holds in rules.items():
        if not holds:
            raise InputError(f"--stages must have a {rule}, received {text}.")
    return stage


def check_settings(config: IllustratedConfig):
    """Refuses values that no run can work with.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    check_bounds(config)
    least, largest = config.faces
    require(config, "faces", least <= largest, "two heights, the least one first")
    for name in ("illustrated", "photos"):
        given = getattr(config, name) is not None
        require(config, name, given, "a folder of pictures")
    require(config, "stages", read_stages(config.stages), "one stage or more")
