"""Every setting of a training run: default, bounds, help, and rules between them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from animegan_tf.settings import (
    amount,
    check_bounds,
    count,
    decay,
    rate,
    require,
    setting,
    share,
)


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
    noise: float = share(
        0.0, "share of white pixels in smoothed anime pictures, 0 to 1"
    )
    image_size: int = setting(
        256, "side of the training pictures, a multiple of 8", low=32
    )
    batch_size: int = count(8, "pictures of each kind in a step")
    flip: bool = setting(True, "mirror pictures left to right at random")
    crop: float = setting(
        0.1,
        "share of the side that a random crop may cut away, 0 to 0.5",
        low=0,
        high=0.5,
    )
    augment: float = share(
        0.0, "strength of keras-cv's colour augmentation of anime pictures, 0 to 1"
    )
    seed: int = setting(
        0, "seed of weights, shuffling and augmentation", low=0, high=2**32 - 1
    )


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms, as METHOD names them (docs/training.md, The losses)."""

    content: float = amount(0.5, "support tail: content distance to the photo")
    style: tuple[float, float, float] = amount(
        (0.1, 5.0, 25.0), "support tail: Gram distance to anime at three levels"
    )
    region: float = amount(0.2, "support tail: distance to its own superpixels")
    photo_region: float = amount(0.2, "support tail: distance to photo superpixels")
    color: float = amount(10.0, "support tail: colour distance to the photo in Lab")
    lightness: float = amount(2.0, "how much L counts beside a and b in `color`")
    total_variation: float = amount(0.001, "both tails: total variation")
    painted_pixel: float = amount(
        0.0, "support tail: pixel distance to the painted photo, if there is one"
    )
    support_adversarial: float = amount(1.0, "support tail: adversarial")
    main_adversarial: float = amount(0.02, "main tail: adversarial")
    revision_pixel: float = amount(50.0, "main tail: pixel distance to the revision")
    revision_feature: float = amount(0.5, "main tail: feature distance to the revision")
    anime_real: float = amount(0.5, "support discriminator: grey anime is real")
    painted_fake: float = amount(1.0, "support discriminator: support tail is fake")
    anime_smooth: float = amount(2.0, "support discriminator: smooth anime is fake")
    main_discriminator: float = amount(0.1, "main discriminator: real and fake")
    pretrain_support: float = amount(1.0, "pre-training: content of the support tail")
    pretrain_main: float = amount(1.0, "pre-training: content of the main tail")
    pretrain_pixel: float = amount(
        10.0, "pre-training with painted photos: their pixels, beside content"
    )


@dataclass(frozen=True)
class TargetConfig:
    """The targets that are made on the CPU in every adversarial step."""

    superpixels: str = setting(
        "felzenszwalb", "segmentation", choices=("felzenszwalb", "slic")
    )
    min_size: int = count(50, "smallest superpixel, in pixels")
    denoise: float = setting(5.0, "strength h of the non-local means", above=0)
    template: int = count(5, "patch side of the non-local means, in pixels")
    workers: int = amount(0, "threads; 0: one a core")


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam's settings in both phases."""

    pretrain_rate: float = rate(2e-4, "learning rate of the generator in phase 1")
    generator_rate: float = rate(1e-4, "learning rate of the generator in phase 2")
    discriminator_rate: float = rate(1e-4, "learning rate of the discriminators")
    beta_1: float = decay(0.5, "decay of the first moment")
    beta_2: float = decay(0.999, "decay of the second moment")
    ema: float = decay(
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

    The formulas and their papers are in `losses`.
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
    gradient_weight: float = setting(10.0, "weight of the penalty `gradient`", above=0)
    gamma: float = setting(1.0, "weight of the penalties `r1` and `r1_r2`", above=0)
    spectral: bool = setting(True, "spectral normalisation of the discriminators")
    minibatch: int = amount(
        0, "channels of minibatch discrimination in the discriminators; 0: none"
    )
    generator_steps: int = count(1, "updates of the generator in a step")
    discriminator_steps: int = count(1, "updates of the discriminators in a step")
    diff_augment: str = setting(
        "none",
        "changes to all that the discriminators see, with commas: "
        f"{', '.join(AUGMENTATIONS)}",
    )
    diff_augment_share: float = share(
        1.0, "share of the pictures that each change meets, 0 to 1; the start with ADA"
    )
    ada_target: float = share(
        0.0, "separation of the training pictures that steers the share; 0: fixed"
    )
    ada_pictures: int = count(
        100_000, "anime pictures in which ADA can move the share from 0 to 1"
    )


FAILURES = (
    *("vanishing gradients", "mode collapse", "identity mapping", "non-convergence"),
)


@dataclass(frozen=True)
class HealthConfig:
    """What training watches in itself, and what it does about a failure."""

    window: int = setting(50, "steps by which a failure is judged, 10 or more", low=10)
    action: str = setting(
        "warn",
        "what is done about a failure, at most once a window: told only; the "
        "discriminators' rate lowered; the discriminators rest for half a window; "
        "training stops",
        choices=("warn", "lower-rate", "skip-discriminator", "stop"),
    )
    bad_steps: int = count(
        5, "steps in a row with NaN or infinity after which training stops"
    )
    ignore: str = setting(
        "none",
        "failures that are not watched for, with commas between: vanishing gradients, "
        "mode collapse, identity mapping, non-convergence",
    )
    # Thresholds of earlier versions; they changed no weight.
    GONE: ClassVar[tuple[str, ...]] = (
        *("slope", "accuracy", "fall", "diversity", "change", "swing"),
        *("rate_factor", "least_rate"),
    )


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

    evaluate_every: int = amount(
        0, "epochs between two kernel distances to held-out anime; 0: no evaluation"
    )
    evaluate_photos: Path | None = setting(None, "folder of held-out photos")
    evaluate_anime: Path | None = setting(None, "folder of held-out anime pictures")
    evaluate_network: Path | None = setting(
        None, "weights of the InceptionV3 that compares them, or imagenet"
    )
    patience: int = amount(
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
    cpu_devices: int = amount(
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
    pretrain_epochs: int = amount(5, "epochs of phase 1, content only")
    epochs: int = count(100, "epochs in all")
    steps_per_epoch: int = amount(0, "steps of an epoch; 0: the larger folder once")
    save_every: int = count(1, "epochs between checkpoints and sample grids")
    save_steps: int = amount(
        500, "steps between checkpoints within an epoch; 0: at the ends of epochs only"
    )
    keep_checkpoints: int = count(3, "number of newest checkpoints kept")
    deterministic: bool = setting(
        False, "the same result to the bit each time, on one machine; may be slower"
    )
    width: int = count(32, "channels of the networks' first block")
    memory: int = count(128, "slots of the tails' external attention")
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


def check_config(config):
    """Refuses values that no run can work with.

    Args:
        config: a `TrainConfig`.

    Raises:
        InputError: the first value that breaks its rule, named as its flag.
    """
    check_bounds(config)
    _check_size(config)
    _check_pretraining(config)
    _check_painted_photos(config)
    _check_start_and_devices(config)
    _check_evaluation(config)
    _check_ignored(config)
    _check_steps_and_penalty(config)
    _check_augmentations(config)
    _check_minibatch(config)


def _check_size(config):
    holds = config.data.image_size % 8 == 0
    require(config, "data.image_size", holds, "a multiple of 8, 32 or more")


def _check_pretraining(config):
    weights = config.weights
    learns = weights.pretrain_support or weights.pretrain_main
    require(
        config,
        "weights.pretrain_support",
        learns or not config.pretrain_epochs,
        "above 0 where --weights.pretrain-main is 0",
    )


def _check_painted_photos(config):
    weights, painted = config.weights, config.data.photo_painted
    require(
        config,
        "weights.painted_pixel",
        painted or not weights.painted_pixel,
        "0 without --photo-painted, the pictures it keeps to",
    )
    require(
        config,
        "pretrain_epochs",
        config.pretrain_epochs or not painted or weights.painted_pixel,
        "1 or more with --photo-painted, which phase 1 learns, or "
        "--weights.painted-pixel above 0, by which phase 2 keeps to it",
    )
    require(
        config,
        "weights.pretrain_main",
        weights.pretrain_main or not painted or not config.pretrain_epochs,
        "above 0 with --photo-painted, or the main tail does not learn it",
    )


def _check_start_and_devices(config):
    holds = config.start.freeze == "none" or config.start.init is not None
    require(config, "start.freeze", holds, "none without --init")
    require(
        config,
        "epochs",
        config.devices.distribute != "tpu" or config.epochs <= config.pretrain_epochs,
        "no more than --pretrain-epochs with --distribute tpu, as the targets of phase "
        "2 are made by numpy code, which a TPU cannot call; --resume on other devices",
    )


def _check_evaluation(config):
    settings = config.evaluation
    for name in ("evaluate_photos", "evaluate_anime", "evaluate_network"):
        given = getattr(settings, name) is not None or not settings.evaluate_every
        require(config, f"evaluation.{name}", given, "given with --evaluate-every")


def _check_ignored(config):
    known = set(ignored_failures(config.health)) <= set(FAILURES)
    rule = f"none, or some of {', '.join(FAILURES)} with commas between"
    require(config, "health.ignore", known, rule)


def _check_steps_and_penalty(config):
    settings = config.objective
    require(
        config,
        "objective.discriminator_steps",
        settings.discriminator_steps == 1 or settings.generator_steps == 1,
        "1 where --generator-steps is above 1",
    )
    held = settings.spectral or penalty_of(settings) != "none"
    require(
        config,
        "objective.penalty",
        settings.objective != "wasserstein" or held,
        "a penalty for wasserstein with --no-spectral: nothing else holds the slope",
    )


def _check_augmentations(config):
    changes = augmentations(config.objective)
    require(
        config,
        "objective.diff_augment",
        set(changes) <= set(AUGMENTATIONS) and len(set(changes)) == len(changes),
        f"none, or some of {', '.join(AUGMENTATIONS)} with commas between",
    )
    require(
        config,
        "objective.ada_target",
        changes or not config.objective.ada_target,
        "0 where --diff-augment is none: there is no share to steer",
    )


def _check_minibatch(config):
    penalty = penalty_of(config.objective)
    reasons = {
        f"the penalty {penalty}, which takes pictures one by one": penalty != "none",
        "--distribute, as a device has but a part of the batch to compare": (
            config.devices.distribute != "none"
        ),
        "--batch-size 1: there is nothing to compare a picture with": (
            config.data.batch_size == 1
        ),
    }
    for reason, applies in reasons.items():
        holds = not (applies and config.objective.minibatch)
        require(config, "objective.minibatch", holds, f"0 with {reason}")


def penalty_of(settings):
    """The penalty of an `ObjectiveConfig`: "none", "gradient", "r1" or "r1_r2"."""
    own = {"wasserstein": "gradient", "relativistic": "r1_r2"}
    if settings.penalty == "own":
        return own.get(settings.objective, "none")
    return settings.penalty


def ignored_failures(settings):
    """Names of the failures that a `HealthConfig` does not watch for."""
    names = tuple(name.strip() for name in settings.ignore.split(","))
    return () if names == ("none",) else names


def augmentations(settings):
    """Names of the changes in an `ObjectiveConfig`."""
    names = settings.diff_augment.replace(" ", "").split(",")
    return () if names == ["none"] else tuple(names)
