"""Folders of photos and of their painted versions: matched, checked, painted."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.evaluation.features import FeatureCache, View, extract
from animegan_tf.files import find_images, list_images, make_folder

CARTOON = "cartoon filter"


class CartoonFilter:
    """Edge-preserving smoothing with darkened edges, called as a `Stylizer`.

    Reference:
        Gastal and Oliveira, *Domain Transform for Edge-Aware Image and Video
        Processing*, SIGGRAPH 2011: `cv2.stylization` with its default values.
    """

    def sized(self, image):
        """The photo itself: any size is painted at once."""
        return image

    def __call__(self, image):
        """Paints one photo.

        Args:
            image: uint8 RGB or RGBA (height, width, 3 or 4).

        Returns:
            uint8 of the same shape.
        """
        # Both see a weighted sum of the channels, so their order matters little, but
        # OpenCV's own is BGR.
        painted = cv2.stylization(np.ascontiguousarray(image[..., 2::-1]))
        return np.concatenate([painted[..., ::-1], image[..., 3:]], axis=-1)


# A padded or rounded picture still shows its photo's cut if its sides agree in ratio.
_RATIO_TOLERANCE = 0.02
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Matched:
    """Photos and every method's pictures of them, in the order of their names.

    `stems` are the names without endings; `photos` and each list of `methods` hold a
    path for each of them.
    """

    stems: tuple[str, ...]
    photos: tuple[Path, ...]
    methods: dict[str, tuple[Path, ...]]


def match_pictures(photos: Path, methods: dict[str, Path]) -> Matched:
    """Pairs every photo with each method's picture of the same name.

    Args:
        photos: folder of photos.
        methods: name of each method and the folder of its pictures, which have the
            names of the photos but for the ending.

    Returns:
        `Matched`.

    Raises:
        InputError: a folder without pictures, a name in one of two folders only, or
            two pictures of one name.
    """
    by_stem = _by_stem(photos)
    files = {}
    for name, folder in methods.items():
        found = _by_stem(folder)
        single = sorted(by_stem.keys() ^ found.keys())
        if single:
            raise InputError(
                f"{folder}: must hold pictures of the same names as {photos}, endings "
                f"aside, received {len(single)} in one of the two only: "
                f"{listed(single)}."
            )
        files[name] = tuple(found[stem] for stem in by_stem)
    return Matched(tuple(by_stem), tuple(by_stem.values()), files)


def check_leftovers(photos: Path, work: Path, names) -> None:
    """Refuses pictures where others are to be painted, except those painted anew.

    Args:
        photos: folder of photos.
        work: Path that receives a folder for each name; nothing need be there.
        names: of the methods that paint.

    Raises:
        InputError: there are pictures of other names or endings.
    """
    painted = {f"{stem}.png" for stem in _by_stem(photos)}
    for folder in (Path(work) / name for name in names):
        found = find_images(folder)[0] if folder.exists() else []
        others = [path.name for path in found if path.name not in painted]
        if others:
            raise InputError(
                f"{folder}: must hold no pictures but those that are painted anew of "
                f"{photos}, received {len(others)} of other names: "
                f"{listed(others)}."
            )


def named_paths(values: list[str]) -> dict[str, str]:
    """Methods that a user names, as [NAME=]PATH.

    Args:
        values: without a name, a path stands for its folder's or file's name, or, if
            that is `generator.keras` or a version's number, for its parent's.

    Returns:
        dict of name to path as it was given: `./x` is not `x` where a generator's
        name could stand.

    Raises:
        InputError: two of one name, or a name that cannot be a folder's.
    """
    paths = {}
    for value in values:
        name, given, path = value.partition("=")
        if not given or "/" in name:
            name, path = _own_name(Path(value)), value
        if name in ("", ".", "..") or not path:
            raise InputError(
                f"a method must be given as PATH or NAME=PATH, received {value!r}."
            )
        if name in paths:
            raise InputError(
                f"methods must have names of their own, as NAME=PATH, received two of "
                f"the name {name}."
            )
        paths[name] = path
    return paths


def _own_name(path):
    path = Path(os.path.abspath(path))
    name = path.stem if path.suffix in (".keras", ".tflite", ".onnx") else path.name
    return path.parent.name if name == "generator" or name.isdecimal() else name


class Sides:
    """Height and width of pictures, for `features.extract`."""

    name, identifier, batch_size = "sides", "sides-1", 1

    def prepare(self, image):
        return image.shape[:2]

    def run(self, shapes: list) -> dict:
        return {"sides": np.array(shapes)}


def check_proportions(matched: Matched, cache: FeatureCache | None = None) -> None:
    """Refuses pictures that cannot show the same cut as their photo.

    Args:
        matched: `Matched`; every picture is read.
        cache: as of `extract`.

    Raises:
        InputError: a picture cannot be read, or its proportions are over 2 % from
            those of its photo.
    """
    views = [View(path) for path in matched.photos]
    photos = extract(Sides(), views, cache=cache, label="photos")["sides"]
    for name, paths in matched.methods.items():
        views = [View(path) for path in paths]
        pictures = extract(Sides(), views, cache=cache, label=name)["sides"]
        for path, sides, wanted in zip(paths, pictures, photos):
            check_same_cut(path, sides, "its photo", wanted)


def check_same_cut(path, sides, other, wanted) -> None:
    """Refuses a picture whose proportions are over 2 % from another's.

    Args:
        path, other: what the two are called.
        sides, wanted: their (height, width).

    Raises:
        InputError: see above.
    """
    (rows, columns), (height, width) = sides, wanted
    if abs(columns * height / (rows * width) - 1) > _RATIO_TOLERANCE:
        raise InputError(
            f"{path}: must have the proportions of {other}, {width} x {height}, "
            f"received {columns} x {rows}."
        )


def listed(names):
    """The first three of some names, for a message."""
    dots = ", ..." if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + dots


def _by_stem(folder):
    paths = list_images(Path(folder))
    found = {path.stem: path for path in paths}
    if len(found) < len(paths):
        twice = [s for s, n in Counter(path.stem for path in paths).items() if n > 1]
        raise InputError(
            f"{folder}: must hold one picture of each name, endings aside, received "
            f"more of {listed(sorted(twice))}."
        )
    return dict(sorted(found.items()))


def paint_methods(
    models: dict[str, str | None], photos: Path, folder: Path
) -> dict[str, Path]:
    """Photos painted by generators, as PNG.

    Args:
        models: name and path of each, as `inference.load_runtime` takes it; None for
            the cartoon filter.
        photos: folder of photos.
        folder: receives a folder for each name; pictures there are replaced.

    Returns:
        dict of name to folder.

    Raises:
        InputError: a model or a photo that cannot be used.
    """
    from animegan_tf.inference import Stylizer, stylize_files

    files, painted = list_images(photos), {}
    stylizers = {
        name: CartoonFilter() if path is None else Stylizer(path)
        for name, path in models.items()
    }
    for name, stylizer in stylizers.items():
        painted[name] = make_folder(folder / name)
        jobs = [(photo, painted[name] / f"{photo.stem}.png") for photo in files]
        bar = tqdm(
            stylize_files(stylizer, jobs), f"painting: {name}", len(jobs), delay=1
        )
        for _, error in bar:
            if error is not None:
                raise error
    return painted
