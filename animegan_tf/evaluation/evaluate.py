"""Folders of photos, anime and painted pictures into figures."""

from dataclasses import dataclass
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.evaluation import intervals
from animegan_tf.evaluation.extractors import (
    FaceIdentity,
    InceptionNetwork,
    Lpips,
    open_inception,
)
from animegan_tf.evaluation.face_measures import (
    OTHERS,
    OWN,
    measure_faces,
    measure_identity,
)
from animegan_tf.evaluation.faces import open_faces
from animegan_tf.evaluation.features import FeatureCache
from animegan_tf.evaluation.figures import (
    Collector,
    Evaluation,
    circumstances,
    describe_generators,
)
from animegan_tf.evaluation.measures import (
    DRAWN,
    PHOTOS,
    Run,
    measure_inception,
    measure_lpips,
    measure_pixels,
)
from animegan_tf.evaluation.pictures import (
    check_proportions,
    match_pictures,
)
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image

# Below, MS-SSIM has no fifth scale.
_LEAST_SIZE = 161
_LEFT_OUT = {
    "inception": "Distances, precision, recall and score of an InceptionV3",
    "drawing": "P(drawing), and distances, precision and recall of its network",
    "lpips": "LPIPS",
    "identity": "Identity and recognition",
    "networks": "Height of the eyes, anime faces, landmarks, colours of face parts",
}


@dataclass(frozen=True)
class Settings:
    """How pictures are measured.

    Attributes:
        inception: an InceptionV3 for distances between sets, as `open_inception`
            takes it, or None.
        drawing: weights of the drawing InceptionV3, or None.
        lpips, identity: weights, or None.
        networks: folder of those that see faces, see `imaging.networks`, or None.
        size: side of the squares that are compared by pixels, 161 or more.
        cache: folder for what networks said, or None.
        resamples: of the bootstrap of means, 1 or more.
        subset_size: of the kernel distance; None for 1,000, or the smaller set if
            that has fewer.
        subsets: number of draws of the kernel distance.
        seed: of resamples, halves and subsets.
    """

    inception: Path | None = None
    drawing: Path | None = None
    lpips: Path | None = None
    identity: Path | None = None
    networks: Path | None = None
    size: int = 256
    cache: Path | None = None
    resamples: int = intervals.RESAMPLES
    subset_size: int | None = None
    subsets: int = 100
    seed: int = 0


def evaluate_folders(
    photos: Path,
    anime: list[Path],
    methods: dict[str, Path],
    settings: Settings = Settings(),
    command: str = "",
    generators: dict[str, Path | None] | None = None,
) -> Evaluation:
    """Figures of methods side by side, with the untouched photos as the zero line.

    A metric whose network was not given is left out by name. Distances between sets,
    the drawing classifier and LPIPS look at the top square of a picture; identity at
    the largest face that MTCNN finds in the photo, in a square 1.35 times as large as
    its box; colours at the whole picture.

    Args:
        photos: folder of photos.
        anime: folders of anime pictures, which count as one set.
        methods: name of each method and the folder of its pictures, with the names of
            the photos but for the ending.
        settings: `Settings`.
        command: str, the command line, for the report.
        generators: what painted methods' pictures, see `paint_methods`, for the
            report.

    Returns:
        `Evaluation`.

    Raises:
        InputError: folders, pictures, weights or numbers that cannot be used.
    """
    matched, anime_files, networks = _checked(photos, anime, methods, settings)
    cache = _cache(settings)
    collector = Collector(settings.seed, settings.resamples)
    run = Run(matched, anime_files, cache, collector, {})
    check_proportions(matched, cache)
    for name in ("inception", "drawing"):
        if name in networks:
            sampling = settings.subsets, settings.subset_size
            measure_inception(run, networks[name], *sampling)
    if "identity" in networks:
        measure_identity(run, networks["identity"])
    if "networks" in networks:
        measure_faces(run, *networks["networks"])
    if "lpips" in networks:
        measure_lpips(run, networks["lpips"])
    measure_pixels(run, settings.size)
    for name, title in _LEFT_OUT.items():
        if name not in networks:
            collector.left_out[title] = f"no weights given (--{name})"
    collector.warn(intervals.interval_warning(len(matched.stems)))
    sources = {
        "Photos": f"{photos}: {len(matched.stems)}",
        "Anime pictures": f"{', '.join(map(str, anime))}: {len(anime_files)}",
        **{f"Pictures of {name}": str(path) for name, path in methods.items()},
        **describe_generators(generators or {}),
    }
    return _finished(run, sources | run.facts | _sampling(settings, command))


def check_folders(
    photos: Path, anime: list[Path], methods: dict[str, Path], settings: Settings
) -> None:
    """Refuses what `evaluate_folders` would, as far as it shows before painting.

    Args:
        photos, anime, methods, settings: as of `evaluate_folders`; methods whose
            pictures are still to be painted may be missing.

    Raises:
        InputError: see `evaluate_folders`.
    """
    matched, *_ = _checked(photos, anime, methods, settings)
    check_proportions(matched, _cache(settings))


def _cache(settings):
    return FeatureCache(settings.cache) if settings.cache else None


def _checked(photos, anime, methods, settings):
    """Matched pictures, files of the anime pictures, and networks by setting."""
    if PHOTOS in methods:
        raise InputError(f"a method must have another name than {PHOTOS!r}.")
    matched = match_pictures(photos, methods)
    anime_files = [path for folder in anime for path in list_images(folder)]
    _check(settings, len(matched.stems), len(anime_files))
    return matched, anime_files, _open_networks(settings)


def _finished(run, facts):
    collector, files = run.collector, run.files
    names = {metric.name for metric in collector.metrics}
    return collector.evaluation(
        title=f"Evaluation on {len(run.matched.stems):,} photos",
        methods=tuple(files),
        stems=run.matched.stems,
        columns=tuple(files),
        image=lambda column, i: read_image(files[column][i]),
        facts=facts,
        plane=(OWN, DRAWN) if {OWN, DRAWN} <= names else None,
        reference=OTHERS,
    )


def _sampling(settings, command):
    return {
        "Intervals": (
            f"95 %; of means by {settings.resamples:,} bootstrap resamples, of shares "
            f"by Wilson's formula, of sets by {intervals.HALVES} random halves"
        ),
        **circumstances(command, settings.seed),
    }


def _check(settings, photos, anime):
    """Refuses before the first picture is read what would fail after the last one."""
    subset_size = 2 if settings.subset_size is None else settings.subset_size
    for flag, value, least in (
        ("--size", settings.size, _LEAST_SIZE),
        ("--bootstrap", settings.resamples, 1),
        ("--kid-subset-count", settings.subsets, 1),
        ("--kid-subset-size", subset_size, 2),
        ("--seed", settings.seed, 0),
    ):
        if value < least:
            raise InputError(f"{flag} must be {least} or more, received {value}.")
    received = f"{photos} photos and {anime} anime pictures"
    if min(photos, anime) < 2:
        raise InputError(
            f"two pictures of either kind are needed, received {received}."
        )
    if min(photos, anime) < subset_size:
        raise InputError(
            f"--kid-subset-size must be at most the number of pictures of either kind, "
            f"received {subset_size} with {received}."
        )


def _open_networks(settings):
    """Networks by the setting that names them, for the settings that are given."""
    makers = {
        "inception": open_inception,
        "drawing": lambda path: InceptionNetwork("drawing-inception", path),
        "lpips": Lpips,
        "identity": FaceIdentity,
        "networks": open_faces,
    }
    given = {name: getattr(settings, name) for name in makers}
    networks = {n: makers[n](path) for n, path in given.items() if path is not None}
    first = networks.get("inception")
    if first and first.name == "drawing-inception":
        raise InputError(
            "--inception must be ImageNet's InceptionV3, imagenet or an .h5 file, "
            f"received {first.weights}, a file for --drawing."
        )
    return networks
