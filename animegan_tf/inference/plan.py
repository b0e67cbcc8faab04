"""Which files become which, before any of them is painted."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.files import SUFFIXES, THUMBNAILS, find_images
from animegan_tf.imaging.video import MUXERS, VIDEO_SUFFIXES, painted_suffix


@dataclass(frozen=True)
class Plan:
    """What is to be painted.

    Attributes:
        jobs: list of (source, target), Paths, every target once.
        others: int, files in the folders that are neither pictures nor videos.
        single: whether the user named the target of the one source.
    """

    jobs: list[tuple[Path, Path]]
    others: int = 0
    single: bool = False


def is_video(path):
    return path.suffix.lower() in VIDEO_SUFFIXES


def plan_jobs(patterns, output: str, form: str | None = None) -> Plan:
    """Pairs photos and videos with the files that they become.

    Args:
        patterns: names of files and folders, and patterns of such. Folders are searched
            with all below them; what lies below `output` is left out.
        output: a folder, or for one source the name of a picture or video.
        form: suffix of pictures in a folder, without its dot; None for png.

    Returns:
        `Plan`. Nothing is made or changed on the disk.

    Raises:
        InputError: something named is not there, a folder holds nothing to paint, two
            sources would become one file, a source would be replaced, or `output` or
            `form` do not fit.
    """
    if _names_a_file(patterns, output):
        if form:
            raise InputError("--format has no meaning where --output names a picture")
        plan = _plan_file(Path(patterns[0]), Path(output))
    else:
        plan = _plan_folder(patterns, Path(output), f".{form or 'png'}")
    sources = {_real(source) for source, _ in plan.jobs}
    for _, target in plan.jobs:
        if _real(target) in sources:
            raise InputError(
                f"{target}: a picture must not replace a photo that is painted, "
                "received the same name."
            )
    return plan


def _names_a_file(patterns, output):
    """Whether `output` is what one photo or video becomes, not a folder."""
    if Path(output).is_dir() or output.endswith(("/", os.sep)):
        return False
    first = Path(patterns[0])
    # A bracket is common in names of files, too.
    one = len(patterns) == 1 and (first.exists() or not glob.has_magic(patterns[0]))
    if one and not first.is_dir():
        return Path(output).suffix != ""
    if Path(output).suffix.lower() in (*SUFFIXES, *VIDEO_SUFFIXES):
        raise InputError(
            f"{output}: for more than one photo --output must be a folder, "
            "received the name of a picture."
        )
    return False


def _plan_file(source, output):
    suffixes = tuple(MUXERS) if is_video(source) else SUFFIXES
    if output.suffix.lower() not in suffixes:
        raise InputError(
            f"--output must end in one of {', '.join(suffixes)}, or in / for a folder; "
            f"got {output}"
        )
    if not output.parent.is_dir():
        raise InputError(f"{output}: its folder must exist, received none.")
    if not source.exists():
        raise InputError(f"{source}: the photo must be there, received nothing.")
    return Plan([(source, output)], single=True)


def _plan_folder(patterns, output, suffix):
    if os.path.lexists(output) and not output.is_dir():
        raise InputError(
            f"{output}: --output must be a folder, received a file or a broken link."
        )
    sources, others = _find_sources(_expand(patterns), _real(output))
    targets = {}
    for source, name in sources:
        ending = painted_suffix(source) if is_video(source) else suffix
        target = output / name.with_suffix(ending)
        # Windows takes names that differ in case for the same.
        first = targets.setdefault(os.path.normcase(target), (source, target))[0]
        if _absolute(first) != _absolute(source):
            raise InputError(
                f"{first} and {source} must become pictures of different names, "
                f"received {target} for both."
            )
    return Plan(list(targets.values()), others)


def _find_sources(paths, output):
    """(source, its path below the output) for files and for what folders hold.

    Also the number of files that are neither pictures nor videos.
    """
    sources, others = [], 0
    for path in paths:
        if not path.is_dir():
            sources.append((path, Path(path.name)))
            continue
        if _real(path) == output:
            raise InputError(
                f"{path}: --output must be another folder than the photos' own."
            )
        photos, rest = (
            # Else pictures of the last call would be this one's photos.
            [file for file in files if output not in _real(file).parents]
            for files in find_images(path, recursive=True)
        )
        videos = [file for file in rest if is_video(file) and file.is_file()]
        if not photos + videos:
            raise InputError(
                f"{path}: must hold at least one picture ({', '.join(SUFFIXES)}) or "
                f"video, received none among its {len(rest)} other files."
            )
        sources += [(file, file.relative_to(path)) for file in photos + videos]
        others += len(rest) - len(videos)
    return sources, others


def _expand(patterns):
    """Paths of the files and folders that are meant.

    Shells of Windows leave patterns to the program. What lies in a folder that is
    meant as well, as with `**`, counts as part of the folder.
    """
    paths = []
    for pattern in patterns:
        found = [pattern] if Path(pattern).exists() else []
        found = found or sorted(glob.glob(pattern, recursive=True))
        if not found:
            raise InputError(
                f"{pattern}: a photo, a folder or matches of the pattern must be "
                "there, received nothing."
            )
        paths += map(Path, found)
    if len(paths) > 1:  # of a pattern, the shell's perhaps, which knows no better
        paths = [path for path in paths if path.name != THUMBNAILS]
    folders = {_absolute(path) for path in paths if path.is_dir()}
    return [path for path in paths if not folders.intersection(_absolute(path).parents)]


def _absolute(path):
    return Path(os.path.abspath(path))  # unlike Path.absolute, without ".."


def _real(path):
    return Path(os.path.realpath(path))  # unlike Path.resolve, of a link to itself too
