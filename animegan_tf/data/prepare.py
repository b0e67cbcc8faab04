"""Folders of anything in, the layout that training reads out, nothing lost between."""

import contextlib
import dataclasses
import json
import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from animegan_tf.data import anime, photo
from animegan_tf.data.manifest import NAME as MANIFEST
from animegan_tf.data.manifest import Manifest, Record, kept_names
from animegan_tf.data.prepared import Prepared, content_hash
from animegan_tf.data.report import write_report
from animegan_tf.data.settings import AnimeSettings, PhotoSettings, check_settings
from animegan_tf.errors import InputError
from animegan_tf.files import (
    SUFFIXES,
    find_images,
    make_folder,
    remove_temporaries,
    write_atomic,
)
from animegan_tf.imaging.quality import HASH_BITS, HashIndex
from animegan_tf.imaging.workers import begin_process
from animegan_tf.untrusted import inside

# Sources on their way to each process, so that none waits for the writing.
_AHEAD = 4
# Folder names that a style cannot take: they mean something else in a data set.
_TAKEN = ("prepare", photo.PHOTOS, photo.VALIDATION)


@dataclass(frozen=True)
class Summary:
    """What a preparation did.

    Attributes:
        records: all of the data set's records of this kind, earlier ones included.
        new: how many sources were worked on this time.
        others: files among the sources that are no pictures, relative paths.
        report: path of `report.html`, or None after a trial.
    """

    records: list[Record]
    new: int
    others: list[str]
    report: Path | None


@dataclass(frozen=True)
class _Kind:
    """Where the results of one kind of source go."""

    function: object  # (path, source, settings) -> list[Prepared]
    settings: object
    run: str  # folder of manifest and report inside DATASET/prepare
    parent: str  # of the result folders inside DATASET, "" for itself
    folders: dict[str, tuple[str, ...]]  # that get a file, by a record's folder
    title: str


def prepare_photos(
    source: Path,
    dataset: Path,
    settings: PhotoSettings = PhotoSettings(),
    limit: int | None = None,
    workers: int = 0,
    dry_run: bool = False,
    redo: bool = False,
) -> Summary:
    """Cut, align and judge the faces of a folder of photos.

    Fills `train_photo/` with PNG pictures, `seg_train_5-0.8-50/` with their
    superpixels under the same names, and `val/` with a share of the pictures. Done
    twice, it does nothing the second time; killed and done again, it gives the same
    bytes as if it had not been killed. Sources of another folder can be added later.

    Args:
        source: folder of photos; sub-folders count.
        dataset: folder that receives everything; made if missing.
        settings: `PhotoSettings`.
        limit: at most so many sources, the first by name.
        workers: processes; 0: one a core.
        dry_run: decide everything and write nothing.
        redo: forget what was prepared before and delete its pictures.

    Returns:
        `Summary`.

    Raises:
        InputError: the folder of sources is missing or holds no picture, a setting is
            out of range or differs from those of the pictures that are there, or a
            file cannot be read or written.
    """
    folders = {
        photo.PHOTOS: (photo.PHOTOS, photo.superpixel_folder(settings)),
        photo.VALIDATION: (photo.VALIDATION,),
    }
    kind = _Kind(photo.prepare_photo, settings, "photos", "", folders, "Photos")
    return _prepare(kind, Path(source), Path(dataset), limit, workers, dry_run, redo)


def prepare_anime(
    source: Path,
    dataset: Path,
    style: str,
    settings: AnimeSettings = AnimeSettings(),
    limit: int | None = None,
    workers: int = 0,
    dry_run: bool = False,
    redo: bool = False,
) -> Summary:
    """Make a style out of a folder of anime pictures.

    Fills `<style>/style/` with square PNG pictures, `<style>/smooth/` with the same,
    edges blurred, and `<style>/smooth_noise/` with those, some pixels white.

    Args:
        source: folder of anime pictures; sub-folders count.
        style: name of the style, a plain folder name.
        settings: `AnimeSettings`.
        dataset, limit, workers, dry_run, redo: as in `prepare_photos`.

    Returns:
        `Summary`.

    Raises:
        InputError: as in `prepare_photos`, or the name cannot be that of a style.
    """
    reserved = style in _TAKEN or style.startswith((".", "seg_train"))
    if not style or reserved or Path(style).name != style or "\\" in style:
        raise InputError(
            "--style must be the plain name of a folder, not one of "
            f"{', '.join(_TAKEN)}, received {style!r}."
        )
    kind = _Kind(
        anime.prepare_anime,
        settings,
        f"style-{style}",
        style,
        {anime.STYLE: (anime.STYLE, anime.SMOOTH, anime.NOISY)},
        f"Style {style}",
    )
    return _prepare(kind, Path(source), Path(dataset), limit, workers, dry_run, redo)


def _prepare(kind, source, dataset, limit, workers, dry_run, redo):
    check_settings(kind.settings)
    pictures, others = _sources(source, dataset, limit)
    run_folder, settings = dataset / "prepare" / kind.run, _as_json(kind.settings)
    if not dry_run:
        make_folder(run_folder)
        _clear(kind, dataset, run_folder)
        if redo:
            _delete_results(kind, dataset, run_folder / MANIFEST)
    manifest = Manifest(run_folder / MANIFEST, settings, read_only=dry_run)
    todo = _unfinished(kind, pictures, manifest, dataset)
    index = _Duplicates(manifest.records, kind.settings.duplicate_distance)
    tasks = {name: path for name, (path, _) in todo.items()}
    with contextlib.closing(_in_processes(kind, tasks, workers)) as results:
        bar = tqdm(results, kind.title, len(todo), unit="picture", disable=not todo)
        for name, prepared in bar:
            if (earlier := todo[name][1]) is not None:
                _restore(kind, prepared, earlier, dataset, dry_run)
            else:
                manifest.add(_keep(kind, prepared, index, dataset, dry_run))
    report = None if dry_run else run_folder / "report.html"
    if report and (todo or not report.exists()):
        write_report(
            run_folder,
            dataset,
            source,
            manifest.records,
            settings,
            kind.title,
            others,
        )
    return Summary(manifest.records, len(todo), others, report)


def _sources(source, dataset, limit):
    """Pictures by their name in the records, and the names of other files."""
    # Unlike Path.resolve, this takes a link to itself for what it is.
    sources, target = (Path(os.path.realpath(path)) for path in (source, dataset))
    if sources == target or sources in target.parents:
        raise InputError(
            f"{dataset}: must lie outside the folder of sources, received one in "
            f"{source}."
        )
    if limit is not None and limit < 1:
        raise InputError(f"--limit must be 1 or more, received {limit}.")
    pictures, others = find_images(source, recursive=True)
    if not pictures:
        raise InputError(
            f"{source}: must hold at least one picture ({', '.join(SUFFIXES)}), "
            f"received none among its {len(others)} other files."
        )
    named = {path.relative_to(source).as_posix(): path for path in pictures[:limit]}
    return named, [path.relative_to(source).as_posix() for path in others]


def _clear(kind, dataset, run_folder):
    """Delete what a kill left half-written."""
    names = {name for folders in kind.folders.values() for name in folders}
    for folder in (run_folder, *(dataset / kind.parent / name for name in names)):
        remove_temporaries(folder)


def _delete_results(kind, dataset, manifest):
    """Delete what an earlier run made, the manifest last: a kill loses no track."""
    parent = dataset / kind.parent
    names = {name for folders in kind.folders.values() for name in folders}
    names |= {path.name for path in parent.glob("seg_train*")}  # of other settings
    # None goes before all are known to lie in the data set.
    paths = [
        inside(folder, name, manifest, plain=True)
        for folder in [inside(parent, name, dataset) for name in sorted(names)]
        for name in kept_names(manifest)
    ]
    try:
        for path in [*paths, manifest]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{error.filename}: must be a file that can be deleted, "
            f"received: {error.strerror}."
        ) from error


def _as_json(settings):
    """The settings as they come back from a file."""
    return json.loads(json.dumps(dataclasses.asdict(settings), default=Path.as_posix))


def _unfinished(kind, pictures, manifest, dataset):
    """Sources to work on: `{name: (path, records)}`.

    The records are None for new sources and those whose content has changed. Of
    others they are there, and some of their files are not.
    """
    known = {(group[0].source, group[0].sha256): group for group in manifest.groups}
    names = {source for source, _ in known}
    todo = {}
    for name, path in pictures.items():
        # Most sources are new in a first run, and need not be read twice then.
        group = known.get((name, content_hash(path))) if name in names else None
        if group is None or not all(
            (dataset / folder / record.name).exists()
            for record in group
            for folder in _folders(kind, record)
        ):
            todo[name] = path, group
    return todo


def _folders(kind, record):
    """Where a record's files are, relative to the data set."""
    if record.decision != "kept":
        return []
    main = Path(record.folder)
    if main.parent != Path(kind.parent) or main.name not in kind.folders:
        raise InputError(
            f"{kind.run}/{MANIFEST}: must tell of {', '.join(kind.folders)}, received "
            f"{record.folder!r} as the folder of {record.name}; --redo makes "
            "everything again."
        )
    return [main.parent / name for name in kind.folders[main.name]]


def _restore(kind, prepared, earlier, dataset, dry_run):
    """Write files anew that were lost; what was decided stands."""
    kept = {record.name for record in earlier if record.decision == "kept"}
    for one in prepared:
        if one.record.name in kept and not dry_run:
            _write(kind, one, dataset)


def _keep(kind, prepared, index, dataset, dry_run):
    """Write the files of one source; returns its records."""
    records = []
    for one in prepared:
        record = one.record
        if record.decision == "kept":
            record = index.judged(record)
        if record.decision == "kept":
            folder = (Path(kind.parent) / record.folder).as_posix()
            record = record.replace(folder=folder)
            if not dry_run:
                _write(kind, one, dataset)
        records.append(record)
    return records


def _write(kind, prepared, dataset):
    for name, data in prepared.files.items():
        folder = dataset / kind.parent / name
        # Not before there is a picture: training takes no empty folder.
        make_folder(folder)
        write_atomic(folder / prepared.record.name, data)


class _Duplicates:
    """Tells which pictures are too like one that was kept before."""

    def __init__(self, records, limit):
        self.limit, self.names, self.index = limit, [], HashIndex()
        for record in records:
            if record.decision == "kept":
                self._add(record)

    def _add(self, record):
        self.names.append(record.name)
        self.index.add(int(record.hash, 16))

    def judged(self, record):
        """The record itself, or as a drop."""
        nearest = self.index.nearest(int(record.hash, 16))
        if nearest is not None and nearest[1] <= self.limit:
            twin, bits = self.names[nearest[0]], nearest[1]
            detail = f"{bits} of {HASH_BITS} bits from {twin}, over {self.limit} needed"
            record = record.replace(name="", folder="")
            return record.dropped("near-duplicate", detail)
        self._add(record)
        return record


def _in_processes(kind, tasks, workers):
    """Yields name and list of `Prepared` of every task, in the order given."""
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count <= 1:
        for name, path in tasks.items():
            yield name, _guarded(kind.function, path, name, kind.settings)
        return
    # TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, initializer=begin_process)
    waiting = deque()

    def next_result():
        name, future = waiting.popleft()
        try:
            return name, future.result()
        except BrokenProcessPool as error:
            raise InputError(
                f"{name}: a process ended at this picture or the next ones, perhaps "
                "for want of memory; what is finished is kept, go on with fewer "
                f"--workers, received {count}."
            ) from error

    try:
        for name, path in tasks.items():
            arguments = kind.function, path, name, kind.settings
            waiting.append((name, pool.submit(_guarded, *arguments)))
            if len(waiting) > _AHEAD * count:
                yield next_result()
        while waiting:
            yield next_result()
    finally:
        pool.shutdown(cancel_futures=True)


def _guarded(function, path, name, settings) -> list[Prepared]:
    """`function`, but what it stumbles over becomes the record of a drop."""
    try:
        return function(path, name, settings)
    except InputError:  # not about this source: a package or a background is missing
        raise
    except Exception as error:
        record = Record(name, content_hash(path), decision="dropped")
        detail = f"{type(error).__name__}: {error}"
        return [Prepared(record.dropped("failed", detail))]
