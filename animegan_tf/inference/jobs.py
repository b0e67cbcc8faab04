"""Files and folders into stylized ones: which become which, and doing it."""

import glob
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from animegan_tf.errors import FinalError, InputError
from animegan_tf.files import (
    SUFFIXES,
    THUMBNAILS,
    VIDEO_SUFFIXES,
    check_target,
    find_images,
    make_folder,
)
from animegan_tf.inference.clips import stylize_video
from animegan_tf.inference.files import stylize_files

# Endings of stylized videos.
_WRITTEN = (".mp4", ".m4v", ".mov", ".mkv")


@dataclass(frozen=True)
class Plan:
    """What is to be stylized.

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
        InputError: something named is not there, a folder holds nothing to stylize, two
            sources would become one file, a source would be replaced, or `output` or
            `form` do not fit.
    """
    if _names_a_file(patterns, output):
        if form:
            raise InputError(
                "--format must be left out where --output names a picture."
            )
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


def stylize_jobs(
    stylizer,
    jobs,
    single=False,
    side_by_side=False,
    keep_metadata=False,
    batch=1,
    **video,
) -> int:
    """Does the jobs of a plan: photos first, then videos one by one.

    Folders are made where they are missing. Progress, what had to be left out and
    photos without a face are told on the standard error.

    Args:
        stylizer: `Stylizer`, or what is used as one.
        jobs: sequence of (source, target) of a `Plan`.
        single: whether the first error is raised, rather than told.
        side_by_side, keep_metadata, batch: see `stylize_files`.
        video: `smooth`, `crf` and `partial` of `stylize_video`.

    Returns:
        int, how many could not be done.

    Raises:
        InputError: the error of a job, if `single`.
        FinalError: no file can be written, or stylized, at all.
    """

    def left_out(error):
        if single:
            raise error
        tqdm.write(f"left out: {error}", file=sys.stderr)
        return 1

    def tell_of_faces(photo):
        if stylizer.faces == []:
            tqdm.write(f"no face found: {photo}", file=sys.stderr)

    jobs = list(jobs)
    ready = list(_ready(jobs, left_out))
    failed = len(jobs) - len(ready)
    photos = [job for job in ready if not is_video(job[0])]
    results = stylize_files(
        stylizer, photos, side_by_side, keep_metadata, batch, tell_of_faces
    )
    bar = tqdm(results, total=len(photos), unit="picture", disable=single)
    failed += sum(left_out(error) for _, error in bar if error is not None)
    for source, target in ready:
        if is_video(source):
            try:
                _stylize_video(stylizer, source, target, side_by_side, video)
            except FinalError:
                raise
            except InputError as error:
                failed += left_out(error)
    return failed


def _ready(jobs, left_out):
    """Yields the jobs whose targets can be written, and tells of the others."""
    for job in jobs:
        try:
            make_folder(job[1].parent)
            check_target(job[1])
        except FinalError:
            raise
        except InputError as error:
            left_out(error)
        else:
            yield job


def _stylize_video(stylizer, source, target, side_by_side, options):
    with tqdm(unit="frame", desc=source.name) as bar:

        def progress(number, total):
            bar.total = total
            bar.update(number - bar.n)

        done = stylize_video(
            stylizer, source, target, side_by_side, progress=progress, **options
        )
    if done.undecoded:
        note = f"{source}: {done.undecoded} frames are damaged and left out"
        print(note, file=sys.stderr)
    for codec in done.left_out:
        print(f"{source}: {target.suffix} holds no {codec} subtitles", file=sys.stderr)


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
    suffixes = _WRITTEN if is_video(source) else SUFFIXES
    if output.suffix.lower() not in suffixes:
        raise InputError(
            f"--output must end in one of {', '.join(suffixes)}, or in / for a folder, "
            f"received {output}."
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
        ending = _video_suffix(source) if is_video(source) else suffix
        target = output / name.with_suffix(ending)
        # Windows takes names that differ in case for the same.
        first = targets.setdefault(os.path.normcase(target), (source, target))[0]
        if _absolute(first) != _absolute(source):
            raise InputError(
                f"{first} and {source} must become pictures of different names, "
                f"received {target} for both."
            )
    return Plan(list(targets.values()), others)


def _video_suffix(path):
    """A video's own ending where such files are written, else one for its sound."""
    suffix = path.suffix.lower()
    if suffix == ".3gp":
        return ".mov"  # holds AMR, the sound of old phones, as .mkv does not
    return suffix if suffix in _WRITTEN else ".mkv"


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
