"""Every setting of a training run, its default and its one line of help."""

import dataclasses
import json
import math
import os
import typing
from dataclasses import dataclass, field
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.untrusted import open_file


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
    photo_painted: Path | None = setting(
        None,
        "folder of the photos as painted, same names: phase 1 learns these pictures, "
        "and phase 2 keeps to them where --weights.painted-pixel says so; none: "
        "phase 1 learns to keep the photos' content",
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
    noise: float = setting(
        0.0, "share of white pixels in smoothed anime pictures, 0 to 1"
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
    """Weights of the terms, as METHOD names them (docs/training.md, The losses)."""

    content: float = setting(0.5, "support tail: content distance to the photo")
    style: tuple[float, float, float] = setting(
        (0.1, 5.0, 25.0), "support tail: Gram distance to anime at three levels"
    )
    region: float = setting(0.2, "support tail: distance to its own superpixels")
    photo_region: float = setting(0.2, "support tail: distance to photo superpixels")
    color: float = setting(10.0, "support tail: colour distance to the photo in Lab")
    lightness: float = setting(2.0, "how much L counts beside a and b in `color`")
    total_variation: float = setting(0.001, "both tails: total variation")
    painted_pixel: float = setting(
        0.0, "support tail: pixel distance to the painted photo, if there is one"
    )
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
    pretrain_pixel: float = setting(
        10.0, "pre-training with painted photos: their pixels, beside content"
    )


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


OBJECTIVES = (
    *("least_squares", "minimax", "non_saturating", "hinge"),
    *("wasserstein", "relativistic"),
)
PENALTIES = ("own", "none", "gradient", "r1", "r1_r2")
AUGMENTATIONS = ("translation", "cutout", "brightness")


@dataclass(frozen=True)
class ObjectiveConfig:
    """What generator and discriminators play for in phase 2, and what steadies them.

    The formulas and their papers are in `objectives`.
    """

    objective: str = setting(
        "least_squares", "what the two sides play for", choices=OBJECTIVES
    )
    penalty: str = setting(
        "own",
        "on the discriminators' slope; own: gradient for wasserstein, r1_r2 for "
        "relativistic, none for the others",
        choices=PENALTIES,
    )
    gradient_weight: float = setting(10.0, "weight of the penalty `gradient`")
    gamma: float = setting(1.0, "weight of the penalties `r1` and `r1_r2`")
    spectral: bool = setting(True, "spectral normalisation of the discriminators")
    minibatch: int = setting(
        0, "channels of minibatch discrimination in the discriminators; 0: none"
    )
    generator_steps: int = setting(1, "updates of the generator in a step")
    discriminator_steps: int = setting(1, "updates of the discriminators in a step")
    diff_augment: str = setting(
        "none",
        "changes to all that the discriminators see, with commas: "
        f"{', '.join(AUGMENTATIONS)}",
    )
    diff_augment_share: float = setting(
        1.0, "share of the pictures that each change meets, 0 to 1; the start with ADA"
    )
    ada_target: float = setting(
        0.0, "separation of the training pictures that steers the share; 0: fixed"
    )
    ada_pictures: int = setting(
        100_000, "anime pictures in which ADA can move the share from 0 to 1"
    )


@dataclass(frozen=True)
class HealthConfig:
    """What training watches in itself, and what it does about a failure."""

    window: int = setting(50, "steps by which a failure is judged, 10 or more")
    action: str = setting(
        "warn",
        "what is done about a failure, at most once a window: told only; the "
        "discriminators' rate lowered; the discriminators rest for half a window; "
        "training stops",
        choices=("warn", "lower-rate", "skip-discriminator", "stop"),
    )
    bad_steps: int = setting(
        5, "steps in a row with NaN or infinity after which training stops"
    )
    slope: float = setting(
        0.05, "vanishing gradients: least slope of an adversarial term; 0: off"
    )
    accuracy: float = setting(
        0.99, "vanishing gradients: accuracy from which on `fall` counts, too"
    )
    fall: float = setting(
        0.1, "vanishing gradients: least share of the run's highest slope; 0: off"
    )
    diversity: float = setting(
        0.1,
        "mode collapse: least distance of pictures from each other, in that of "
        "their photos; 0: off",
    )
    change: float = setting(
        3.0, "identity mapping: least grey levels from picture to photo; 0: off"
    )
    swing: float = setting(
        0.3, "non-convergence: share of its level that a loss may swing by; 0: off"
    )
    rate_factor: float = setting(
        0.5, "what lower-rate multiplies the discriminators' rate by"
    )
    least_rate: float = setting(1e-6, "rate that lower-rate does not go below")


@dataclass(frozen=True)
class StartConfig:
    """What a run starts from, and what of it stays as it is."""

    init: str | None = setting(
        None,
        "trained generator to start from: a generator.keras, the name of a model in "
        "saved_models, or a run's folder as ./folder, whose discriminators come along; "
        "none: random weights",
    )
    freeze: str = setting(
        "none",
        "part of the generator that is not trained: base is the encoder that both "
        "tails share",
        choices=("none", "base"),
    )


@dataclass(frozen=True)
class EvaluationConfig:
    """Figures of held-out pictures while training goes on, in phase 2.

    The sum of the losses does not tell which epoch paints best.
    """

    evaluate_every: int = setting(
        0, "epochs between two kernel distances to held-out anime; 0: no evaluation"
    )
    evaluate_photos: Path | None = setting(None, "folder of held-out photos")
    evaluate_anime: Path | None = setting(None, "folder of held-out anime pictures")
    evaluate_network: Path | None = setting(
        None, "weights of the InceptionV3 that compares them, or imagenet"
    )
    patience: int = setting(
        0, "kernel distances above the best one after which training ends; 0: never"
    )


@dataclass(frozen=True)
class DeviceConfig:
    """What computes a step."""

    distribute: str = setting(
        "none",
        "devices that share every step: one; all GPUs of this machine; those of the "
        "machines in TF_CONFIG; a TPU",
        choices=("none", "mirrored", "multiworker", "tpu"),
    )
    cpu_devices: int = setting(
        0, "mirrored without GPUs: devices that share this CPU, for trials; 0: none"
    )
    tf32: bool = setting(
        True, "on GPUs that have it, multiply float32 with 10 bits of the fraction"
    )


@dataclass(frozen=True)
class TrainConfig:
    """A whole run; `PRESETS` holds three."""

    run_dir: Path = setting(Path("runs/train"), "folder that receives everything")
    data: DataConfig = DataConfig()
    weights: LossWeights = LossWeights()
    targets: TargetConfig = TargetConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    health: HealthConfig = HealthConfig()
    start: StartConfig = StartConfig()
    devices: DeviceConfig = DeviceConfig()
    pretrain_epochs: int = setting(5, "epochs of phase 1, content only")
    epochs: int = setting(100, "epochs in all")
    steps_per_epoch: int = setting(0, "steps of an epoch; 0: the larger folder once")
    save_every: int = setting(1, "epochs between checkpoints and sample grids")
    save_steps: int = setting(
        500, "steps between checkpoints within an epoch; 0: at the ends of epochs only"
    )
    keep_checkpoints: int = setting(3, "number of newest checkpoints kept")
    deterministic: bool = setting(
        False, "the same result to the bit each time, on one machine; may be slower"
    )
    width: int = setting(32, "channels of the networks' first block")
    memory: int = setting(128, "slots of the tails' external attention")
    upsampling: str = setting(
        "bilinear",
        "how the generator's tails double a size; corner is bilinear as TensorFlow 1 "
        "had it, for generators that began there",
        choices=("bilinear", "nearest", "transposed", "corner"),
    )
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
    data=DataConfig(noise=0.1),
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
# perceptual network, minutes on two cores. Random features answer to style with rings
# around every edge, so style counts less here and smoothness more.
SAMPLE = dataclasses.replace(
    _PORTRAIT,
    run_dir=Path("runs/sample"),
    data=DataConfig(image_size=96, batch_size=2, cache=Path("runs/cache")),
    weights=dataclasses.replace(
        _PORTRAIT.weights,
        content=0.6,
        style=(0.01, 0.3, 1.0),
        region=0.4,
        color=8.0,
        lightness=0.5,
        total_variation=1.0,
    ),
    optimizer=OptimizerConfig(
        generator_rate=1.5e-4, discriminator_rate=1.5e-4, ema=0.98
    ),
    pretrain_epochs=1,
    epochs=5,
    steps_per_epoch=75,
    perceptual="random",
)


def check_config(config):
    """Refuses values that no run can work with.

    Args:
        config: a `TrainConfig`.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    side = config.data.image_size
    _require(
        side >= 32 and side % 8 == 0,
        "--image-size",
        side,
        "a multiple of 8, 32 or more",
    )
    _check_numbers(config)
    _check_phase_1(config)
    _check_painted_photos(config)
    start, devices, evaluation = config.start, config.devices, config.evaluation
    holds = start.freeze == "none" or start.init is not None
    _require(holds, "--freeze", start.freeze, "none without --init")
    _require(
        devices.distribute != "tpu" or config.epochs <= config.pretrain_epochs,
        "--epochs",
        config.epochs,
        "no more than --pretrain-epochs with --distribute tpu, as the targets of phase "
        "2 are made by numpy code, which a TPU cannot call; --resume on other devices",
    )
    for name, value in dataclasses.asdict(evaluation).items():
        given = value is not None or not evaluation.evaluate_every
        _require(given, _flag_of(name), "none", "given with --evaluate-every")
    _check_objective(config.objective, config.data.batch_size, devices)


def _require(holds, flag, value, rule):
    if not holds:
        raise InputError(f"{flag} must be {rule}; got {value}")


def _check_numbers(config):
    """Values that have bounds whatever the others are."""
    data, targets, optimizer = config.data, config.targets, config.optimizer
    evaluation, health = config.evaluation, config.health
    least = {
        "--batch-size": (data.batch_size, 1),
        "--pretrain-epochs": (config.pretrain_epochs, 0),
        "--epochs": (config.epochs, 1),
        "--steps-per-epoch": (config.steps_per_epoch, 0),
        "--save-every": (config.save_every, 1),
        "--save-steps": (config.save_steps, 0),
        "--keep-checkpoints": (config.keep_checkpoints, 1),
        "--width": (config.width, 1),
        "--memory": (config.memory, 1),
        "--targets.min-size": (targets.min_size, 1),
        "--targets.template": (targets.template, 1),
        "--targets.workers": (targets.workers, 0),
        "--evaluate-every": (evaluation.evaluate_every, 0),
        "--patience": (evaluation.patience, 0),
        "--health.window": (health.window, 10),
        "--health.bad-steps": (health.bad_steps, 1),
        "--cpu-devices": (config.devices.cpu_devices, 0),
    }
    for flag, (value, bound) in least.items():
        _require(value >= bound, flag, value, f"{bound} or more")
    _require(0 <= data.seed < 2**32, "--seed", data.seed, "between 0 and 4294967295")
    _require(0 <= data.crop <= 0.5, "--crop", data.crop, "between 0 and 0.5")
    _require(0 <= data.noise <= 1, "--noise", data.noise, "between 0 and 1")
    _require(0 <= data.augment <= 1, "--augment", data.augment, "between 0 and 1")
    for name in ("slope", "diversity", "change", "swing"):
        value = getattr(health, name)
        _require(0 <= value < math.inf, _flag_of(f"health.{name}"), value, "0 or more")
    for name in ("accuracy", "fall"):
        value = getattr(health, name)
        _require(0 <= value <= 1, _flag_of(f"health.{name}"), value, "between 0 and 1")
    for name in ("rate_factor", "least_rate"):
        value = getattr(health, name)
        rule = "above 0 and below 1"
        _require(0 < value < 1, _flag_of(f"health.{name}"), value, rule)
    denoise = targets.denoise
    _require(0 < denoise < math.inf, "--targets.denoise", denoise, "above 0")
    for name in ("pretrain_rate", "generator_rate", "discriminator_rate"):
        value = getattr(optimizer, name)
        _require(0 < value < 1, _flag_of(name), value, "above 0 and below 1")
    for name in ("beta_1", "beta_2", "ema"):
        value = getattr(optimizer, name)
        _require(0 <= value < 1, _flag_of(name), value, "at least 0 and below 1")
    for name, value in dataclasses.asdict(config.weights).items():
        values = value if isinstance(value, tuple) else (value,)
        holds = all(0 <= x < math.inf for x in values)
        _require(holds, _flag_of(f"weights.{name}"), value, "0 or more")


def _check_phase_1(config):
    weights = config.weights
    learns = weights.pretrain_support or weights.pretrain_main
    _require(
        learns or config.pretrain_epochs == 0,
        "--weights.pretrain-support",
        weights.pretrain_support,
        "above 0 where --weights.pretrain-main is 0",
    )


def _check_painted_photos(config):
    weights, painted = config.weights, config.data.photo_painted
    _require(
        painted or not weights.painted_pixel,
        "--weights.painted-pixel",
        weights.painted_pixel,
        "0 without --photo-painted, the pictures it keeps to",
    )
    _require(
        config.pretrain_epochs or painted is None or weights.painted_pixel,
        "--pretrain-epochs",
        config.pretrain_epochs,
        "1 or more with --photo-painted, which phase 1 learns, or "
        "--weights.painted-pixel above 0, by which phase 2 keeps to it",
    )
    _require(
        weights.pretrain_main or painted is None or config.pretrain_epochs == 0,
        "--weights.pretrain-main",
        weights.pretrain_main,
        "above 0 with --photo-painted, or the main tail does not learn it",
    )


def _check_objective(settings, batch_size, devices):
    for name in ("generator_steps", "discriminator_steps", "ada_pictures"):
        value = getattr(settings, name)
        _require(value >= 1, _flag_of(name), value, "1 or more")
    _require(settings.minibatch >= 0, "--minibatch", settings.minibatch, "0 or more")
    for name in ("gradient_weight", "gamma"):
        value = getattr(settings, name)
        _require(0 < value < math.inf, _flag_of(name), value, "above 0")
    for name in ("diff_augment_share", "ada_target"):
        value = getattr(settings, name)
        _require(0 <= value <= 1, _flag_of(name), value, "between 0 and 1")
    steps = settings.discriminator_steps
    _require(
        steps == 1 or settings.generator_steps == 1,
        "--discriminator-steps",
        steps,
        "1 where --generator-steps is above 1",
    )
    changes = augmentations(settings)
    _require(
        set(changes) <= set(AUGMENTATIONS) and len(set(changes)) == len(changes),
        "--diff-augment",
        settings.diff_augment,
        f"none, or some of {', '.join(AUGMENTATIONS)} with commas between",
    )
    _require(
        changes or not settings.ada_target,
        "--ada-target",
        settings.ada_target,
        "0 where --diff-augment is none: there is no share to steer",
    )
    penalty = penalty_of(settings)
    _require(
        settings.objective != "wasserstein" or settings.spectral or penalty != "none",
        "--penalty",
        settings.penalty,
        "a penalty for wasserstein with --no-spectral: nothing else holds the slope",
    )
    _require(
        penalty == "none" or not settings.minibatch,
        "--minibatch",
        settings.minibatch,
        f"0 with the penalty {penalty}, which takes pictures one by one",
    )
    _require(
        devices.distribute == "none" or not settings.minibatch,
        "--minibatch",
        settings.minibatch,
        "0 with --distribute, as a device has but a part of the batch to compare",
    )
    _require(
        batch_size > 1 or not settings.minibatch,
        "--minibatch",
        settings.minibatch,
        "0 with --batch-size 1: there is nothing to compare a picture with",
    )


def penalty_of(settings):
    """The penalty of an `ObjectiveConfig`: "none", "gradient", "r1" or "r1_r2"."""
    own = {"wasserstein": "gradient", "relativistic": "r1_r2"}
    if settings.penalty == "own":
        return own.get(settings.objective, "none")
    return settings.penalty


def augmentations(settings):
    """Names of the changes in an `ObjectiveConfig`."""
    names = settings.diff_augment.replace(" ", "").split(",")
    return () if names == ["none"] else tuple(names)


def _flag_of(name):
    return "--" + name.replace("_", "-")


def save_config(config, path):
    """Writes a dataclass of settings as JSON, to a temporary name renamed last."""
    temporary = path.with_name(f".{path.name}.tmp")
    text = json.dumps(dataclasses.asdict(config), indent=2, default=str)
    with open_file(temporary, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load_config(path, kind=TrainConfig):
    """The settings that `save_config` wrote.

    Args:
        path: of the file.
        kind: dataclass of the settings.

    Raises:
        InputError: no such file, not JSON, or settings this version does not know.
    """
    try:
        return _from_dict(kind, json.loads(Path(path).read_text()))
    except FileNotFoundError:
        raise InputError(
            f"{path} must exist to resume its run; there is none"
        ) from None
    except OSError as error:
        raise InputError(f"{path} must be readable: {error.strerror}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not a run's settings: {error}") from error


def _from_dict(cls, values):
    if not isinstance(values, dict):
        raise TypeError(f"a group of settings is an object, not {values!r}")
    kinds = {f.name: f.type for f in dataclasses.fields(cls)}
    unknown = set(values) - set(kinds)
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return cls(**{name: _typed(name, kinds[name], values[name]) for name in values})


_JSON_TYPES = {bool: bool, int: int, float: (int, float), str: str, Path: str}


def _typed(name, kind, value):
    """A value from JSON as the type that its field declares."""
    if dataclasses.is_dataclass(kind):
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
    raise TypeError(f"{name} cannot be {value!r}")
