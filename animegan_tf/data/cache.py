"""Work on picture files that is done once: checking them, deriving others from them.

A record is a JSON file of `{file name: [size, mtime in ns, ...]}`. An entry counts
as long as the file still has that size and that time.
"""

import hashlib
import json
import os
from multiprocessing.pool import ThreadPool
from pathlib import Path

from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.files import make_folder, write_atomic
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.untrusted import inside

# Entries between two savings of a record, so that a killed process loses little.
_SAVE_EVERY = 200


def shapes(pictures: list[Path], cache: Path):
    """Decode pictures, all from one folder, to learn which of them can be used.

    Only success is remembered: a file that failed is tried again next time, since
    its permissions may have been the cause.

    Args:
        pictures: files of one folder.
        cache: folder of the record.

    Returns:
        dict of Path to (height, width) of the pictures that can be read, in the
        order given, and a list of (Path, reason) of the others.

    Raises:
        InputError: the record cannot be written.
    """
    record_path = make_folder(cache) / f"checked-{_digest(pictures[0].parent)}.json"
    record = _read_record(record_path)
    stamps = {path: _stamp(path) for path in pictures}
    record = {name: entry for name, entry in record.items() if len(entry) == 4}
    known = {p for p in pictures if record.get(p.name, [])[:2] == stamps[p]}
    broken = {}
    new = [path for path in pictures if path not in known]
    for done, (path, shape, reason) in enumerate(
        in_threads(_check, new, "checking pictures"), 1
    ):
        if shape:
            record[path.name] = [*stamps[path], *shape]
        else:
            record.pop(path.name, None)
            broken[path] = reason
        if done % _SAVE_EVERY == 0 or done == len(new):
            write_atomic(record_path, json.dumps(record).encode())
    usable = {p: tuple(record[p.name][2:]) for p in pictures if p not in broken}
    return usable, list(broken.items())


def derive(pictures: list[Path], cache: Path, name: str, function, label: str):
    """Make one picture from each of the given ones, unless it is there already.

    Args:
        pictures: readable files of one folder.
        cache: folder that receives the folder of results.
        name: what is made and with which parameters; a part of the folder's name,
            so that other parameters mean other files.
        function: uint8 RGB (height, width, 3) to uint8 RGB; called in threads.
        label: words beside the progress bar.

    Returns:
        list of Path, one per picture: PNG files named like `a.jpg.png`, with the
        old suffix kept because `a.jpg` and `a.png` may be two pictures.

    Raises:
        InputError: a file cannot be read or written, or the cache leads elsewhere.
    """
    folder = f"{name}-{_digest(pictures[0].parent)}"
    folder = make_folder(inside(cache, folder, cache))
    record_path = folder / "record.json"
    record = _read_record(record_path)

    def target(path):
        return folder / f"{path.name}.png"

    def make(path):
        stamp = _stamp(path)  # before reading, so a change meanwhile is noticed
        write_image(target(path), function(read_image(path)))
        return path.name, [*stamp, target(path).stat().st_size]

    def is_made(path):
        entry = record.get(path.name, [])
        try:
            return entry == [*_stamp(path), target(path).stat().st_size]
        except FileNotFoundError:
            return False

    new = [path for path in pictures if not is_made(path)]
    for done, (key, entry) in enumerate(in_threads(make, new, label), 1):
        record[key] = entry
        if done % _SAVE_EVERY == 0 or done == len(new):
            write_atomic(record_path, json.dumps(record).encode())
    return [target(path) for path in pictures]


def in_threads(function, items, label):
    """Yields `function` of each item, in order; a bar appears after a second.

    Threads suffice: decoding, segmentation and OpenCV release the interpreter lock.
    """
    if not items:
        return
    with ThreadPool(os.cpu_count()) as pool:
        results = pool.imap(function, items)
        yield from tqdm(results, label, len(items), unit="picture", delay=1)


def _check(path):
    try:
        return path, read_image(path).shape[:2], None
    except InputError as error:
        return path, None, str(error)


def _stamp(path):
    try:
        status = path.stat()
    except OSError:  # like no entry; reading the file will tell the reason
        return [None, None]
    return [status.st_size, status.st_mtime_ns]


def _digest(folder):
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


def _read_record(path):
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):  # what is lost only costs time
        return {}
    entries = record.items() if isinstance(record, dict) else ()
    return {name: entry for name, entry in entries if _is_entry(entry)}


def _is_entry(entry):
    return isinstance(entry, list) and all(type(n) is int and n >= 0 for n in entry)
