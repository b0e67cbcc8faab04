"""Every setting of a training run, its default and its one line of help."""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from animegan_tf.errors import InputError


def setting(default, help, choices=None):
    return field(default=default, metadata={"help": help, "choices": choices})


@dataclass(frozen=True)
class DataConfig:
    """Where the pictures are and how they become batches."""

    photos: Path | None = setting(None, "folder of photos; none: built-in sample data")
    anime: Path | None = setting(None, "folder of anime pictures (the style)")
    photo_superpixels: Path | None = setting(
        None, "folder of the photos' superpixels, same names; none: made into the cache"
    )
    anime_smooth: Path | None = setting(
        None, "folder of edge-smoothed anime pictures; none: made into the cache"
    )
    validation: Path | None = setting(
        None, "folder of photos for the sample grid; none: training photos"
    )
    cache: Path = setting(
        Path("runs/cache"), "folder for pictures that are made on the fly"
    )
    image_size: int = setting(256, "side of the training pictures, a multiple of 8")
    batch_size: int = setting(8, "pictures of each kind in a step")
    flip: bool = setting(True, "mirror pictures left to right at random")
    crop: float = setting(
        0.1, "share of the side that a random crop may cut away, 0 to 0.5"
    )
    augment: float = setting(
        0.0, "strength of keras-cv's colour augmentation of anime pictures, 0 to 1"
    )
    seed: int = setting(0, "seed of weights, shuffling and augmentation")


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms, as METHOD names them (README: The losses)."""

    content: float = setting(0.5, "support tail: content distance to the photo")
    style: tuple[float, float, float] = setting(
        (0.1, 5.0, 25.0), "support tail: Gram distance to anime at three levels"
    )
    region: float = setting(0.2, "support tail: distance to its own superpixels")
    photo_region: float = setting(0.2, "support tail: distance to photo superpixels")
    color: float = setting(10.0, "support tail: colour distance to the photo in Lab")
    lightness: float = setting(2.0, "how much L counts beside a and b in `color`")
    total_variation: float = setting(0.001, "both tails: total variation")
    support_adversarial: float = setting(1.0, "support tail: adversarial")
    main_adversarial: float = setting(0.02, "main tail: adversarial")
    revision_pixel: float = setting(50.0, "main tail: pixel distance to the revision")
    revision_feature: float = setting(
        0.5, "main tail: feature distance to the revision"
    )
    anime_real: float = setting(0.5, "support discriminator: grey anime is real")
    painted_fake: float = setting(1.0, "support discriminator: support tail is fake")
    anime_smooth: float = setting(2.0, "support discriminator: smooth anime is fake")
    main_discriminator: float = setting(0.1, "main discriminator: real and fake")
    pretrain_support: float = setting(1.0, "pre-training: content of the support tail")
    pretrain_main: float = setting(1.0, "pre-training: content of the main tail")


@dataclass(frozen=True)
class TargetConfig:
    """The targets that are made on the CPU in every adversarial step."""

    superpixels: str = setting(
        "felzenszwalb", "segmentation", choices=("felzenszwalb", "slic")
    )
    min_size: int = setting(50, "smallest superpixel, in pixels")
    denoise: float = setting(5.0, "strength h of the non-local means")
    template: int = setting(5, "patch side of the non-local means, in pixels")
    workers: int = setting(0, "threads; 0: one a core")


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam's settings in both phases."""

    pretrain_rate: float = setting(2e-4, "learning rate of the generator in phase 1")
    generator_rate: float = setting(1e-4, "learning rate of the generator in phase 2")
    discriminator_rate: float = setting(1e-4, "learning rate of the discriminators")
    beta_1: float = setting(0.5, "decay of the first moment")
    beta_2: float = setting(0.999, "decay of the second moment")
    ema: float = setting(
        0.998, "decay a step of the averaged generator that is saved; 0: none"
    )


@dataclass(frozen=True)
class TrainConfig:
    """A whole run; `PRESETS` holds three."""

    run_dir: Path = setting(Path("runs/train"), "folder that receives everything")
    data: DataConfig = DataConfig()
    weights: LossWeights = LossWeights()
    targets: TargetConfig = TargetConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    pretrain_epochs: int = setting(5, "epochs of phase 1, content only")
    epochs: int = setting(100, "epochs in all")
    steps_per_epoch: int = setting(0, "steps of an epoch; 0: the larger folder once")
    save_every: int = setting(1, "epochs between checkpoints and sample grids")
    keep_checkpoints: int = setting(3, "number of newest checkpoints kept")
    width: int = setting(32, "channels of the networks' first block")
    precision: str = setting(
        "float32",
        "arithmetic of the networks",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    perceptual: str = setting(
        "vgg19", "perceptual network", choices=("vgg19", "vgg16", "random")
    )
    perceptual_weights: str = setting(
        "imagenet", "weights of the perceptual network: imagenet, or a file"
    )


_SHINKAI = TrainConfig(
    weights=LossWeights(
        style=(0.1, 2.0, 28.0),
        region=0.8,
        photo_region=0.5,
        color=8.0,
        total_variation=0.0001,
        anime_smooth=5.0,
        pretrain_main=0.0,
    ),
    targets=TargetConfig(min_size=100, denoise=7.0, template=6),
)
# Portraits: far more style against content than for landscapes, chroma held firmly and
# lightness loosely, because anime is brighter than photographs but has their hues.
_PORTRAIT = TrainConfig(
    weights=LossWeights(
        content=0.3,
        style=(0.2, 10.0, 50.0),
        region=0.5,
        photo_region=0.3,
        color=15.0,
        lightness=1.0,
        support_adversarial=2.0,
    ),
)
PRESETS = {"portrait": _PORTRAIT, "hayao": TrainConfig(), "shinkai": _SHINKAI}

# A run that needs nothing but this package: drawn portraits, a small stand-in for the
# perceptual network, minutes on two cores. Random features see less style than trained
# ones, hence weights of its own.
SAMPLE = dataclasses.replace(
    _PORTRAIT,
    run_dir=Path("runs/sample"),
    data=DataConfig(image_size=64, batch_size=4, cache=Path("runs/cache")),
    pretrain_epochs=1,
    epochs=6,
    steps_per_epoch=100,
    perceptual="random",
    optimizer=OptimizerConfig(generator_rate=2e-4, discriminator_rate=2e-4, ema=0.98),
)


def check_config(config):
    """Refuses values that no run can work with.

    Args:
        config: a `TrainConfig`.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    data, optimizer = config.data, config.optimizer
    rules = (
        (
            "--image-size",
            data.image_size,
            data.image_size >= 32 and data.image_size % 8 == 0,
            "a multiple of 8, 32 or more",
        ),
        ("--batch-size", data.batch_size, data.batch_size >= 1, "1 or more"),
        ("--crop", data.crop, 0 <= data.crop <= 0.5, "between 0 and 0.5"),
        ("--augment", data.augment, 0 <= data.augment <= 1, "between 0 and 1"),
        (
            "--pretrain-epochs",
            config.pretrain_epochs,
            0 <= config.pretrain_epochs,
            "0 or more",
        ),
        ("--epochs", config.epochs, config.epochs >= 1, "1 or more"),
        ("--save-every", config.save_every, config.save_every >= 1, "1 or more"),
        (
            "--keep-checkpoints",
            config.keep_checkpoints,
            config.keep_checkpoints >= 1,
            "1 or more",
        ),
        ("--width", config.width, config.width >= 1, "1 or more"),
        ("--ema", optimizer.ema, 0 <= optimizer.ema < 1, "at least 0 and below 1"),
    )
    for flag, value, holds, rule in rules:
        if not holds:
            raise InputError(f"{flag} must be {rule}; got {value}")


def save_config(config, path):
    """Writes a `TrainConfig` as JSON, to a temporary name renamed last."""
    temporary = path.with_name(f".{path.name}.tmp")
    text = json.dumps(dataclasses.asdict(config), indent=2, default=str)
    temporary.write_text(text + "\n")
    os.replace(temporary, path)


def load_config(path):
    """The `TrainConfig` that `save_config` wrote.

    Raises:
        InputError: no such file, not JSON, or settings this version does not know.
    """
    try:
        return _from_dict(TrainConfig, json.loads(Path(path).read_text()))
    except FileNotFoundError:
        raise InputError(
            f"{path} must exist to resume its run; there is none"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is not a run's settings: {error}") from error


def _from_dict(cls, values):
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = set(values) - set(fields)
    if unknown:
        raise KeyError(f"unknown {', '.join(sorted(unknown))}")
    out = {}
    for name, value in values.items():
        kind = fields[name].type
        if dataclasses.is_dataclass(kind):
            value = _from_dict(kind, value)
        elif kind in (Path, Path | None) and value is not None:
            value = Path(value)
        elif isinstance(value, list):
            value = tuple(value)
        out[name] = value
    return cls(**out)
