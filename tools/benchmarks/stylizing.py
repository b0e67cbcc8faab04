"""What a user of tools/stylize.py waits for."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import peak_gib

STYLIZE = Path(__file__).parents[1] / "stylize.py"
BEAM = STYLIZE.with_name("beam_stylize.py")
RUNTIMES = ("keras", "litert")


def write_photos(folder, count, size):
    """Drawn portraits as JPEG files; their paths."""
    from animegan_tf.imaging.codec import write_image
    from animegan_tf.samples import draw_photo, random_portrait

    folder.mkdir()
    paths = [folder / f"{number:03d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        write_image(path, draw_photo(random_portrait(number), size))
    return paths


def write_generator(path, folder, precision="float32"):
    """The generator, or one with random weights, and its LiteRT file, in a folder."""
    from animegan_tf.export import export_litert
    from animegan_tf.inference import load_generator
    from animegan_tf.models import build_generator

    model = load_generator(path) if path else build_generator()
    model.save(folder / "generator.keras")
    export_litert(model, folder / "generator.tflite", precision)
    return folder / "generator.keras"


def measure_start(args):
    """Seconds from the start of the tool to its end, for one photo."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        generator = write_generator(args.generator, folder)
        (photo,) = write_photos(folder / "photos", 1, args.image_size)
        command = [sys.executable, str(STYLIZE), str(photo)]
        command += ["-o", str(folder / "picture.png"), "--generator", str(generator)]
        times = {runtime: [] for runtime in RUNTIMES}
        for _ in range(args.repeats + 1):
            for runtime, seconds in times.items():
                start = time.perf_counter()
                subprocess.run(
                    [*command, "--runtime", runtime],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                seconds.append(time.perf_counter() - start)
    # The first of each reads the programs from the disk.
    medians = {name: statistics.median(times[name][1:]) for name in RUNTIMES}
    print(f"one photo of {args.image_size} px, from start to end of the tool\n")
    for name, seconds in medians.items():
        print(f"{name:<8} {seconds:6.2f} s")
    return medians


def measure_folder(args):
    """Pictures a second of a folder, beside those of the bare network."""
    from animegan_tf.imaging.codec import read_image
    from animegan_tf.inference import Stylizer, load_runtime, stylize_files

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        generator = write_generator(args.generator, folder)
        photos = write_photos(folder / "photos", args.pictures, args.image_size)
        decoded = [read_image(path) for path in photos]
        rows = []
        for name in RUNTIMES:
            runtime = load_runtime(generator, name)
            stylizer = Stylizer(runtime)
            for suffix in (".png", ".jpg"):
                jobs = [(path, path.with_suffix(f".out{suffix}")) for path in photos]
                ways = {
                    "network": lambda: [runtime(photo) for photo in decoded],
                    "files": lambda: list(stylize_files(stylizer, jobs)),
                }
                seconds = alternately(ways, args.repeats)
                share = seconds["network"] / seconds["files"]
                rate = len(photos) / seconds["files"]
                rows.append({"runtime": name, "format": suffix, "share": share})
                rows[-1]["pictures_per_second"] = rate
    print(f"{args.pictures} photos of {args.image_size} px, JPEG in\n")
    print("runtime  format  pictures/s  of the network's rate")
    for row in rows:
        print(
            f"{row['runtime']:<8} {row['format']:<6} "
            f"{row['pictures_per_second']:11.2f}  {row['share']:.2f}"
        )
    return {"rows": rows}


def measure_bucket(args):
    """Processor time of a picture in `tools/beam_stylize.py`, and of a start.

    That is what is paid for; and other programs lengthen it less than the time on the
    clock. Folders of two lengths tell the pictures' share from the start's.
    """
    few, many = args.pictures, 4 * args.pictures
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        generator = write_generator(args.generator, folder, "dynamic")
        times = {few: [], many: []}
        for count in times:
            write_photos(folder / str(count), count, args.image_size)
        for turn in range(args.repeats):
            for count, seconds in times.items():
                command = [sys.executable, str(BEAM), str(folder / str(count))]
                command += ["-o", str(folder / f"out-{count}-{turn}")]
                command += ["--generator", str(generator.with_suffix(".tflite"))]
                before = child_seconds()
                subprocess.run([*command, "--format", "jpg"], check=True)
                seconds.append(child_seconds() - before)
    medians = {count: statistics.median(values) for count, values in times.items()}
    picture = (medians[many] - medians[few]) / (many - few)
    start = medians[few] - few * picture
    print(f"\n{args.image_size} px, JPEG in and out, dynamic LiteRT, processor time\n")
    print(f"a picture          {picture:8.3f} s")
    print(f"a start            {start:8.1f} s")
    print(f"a million pictures {picture * 1e6 / 3600:8.0f} h")
    return {"picture_seconds": picture, "start_seconds": start}


def child_seconds():
    """Processor time of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def alternately(ways, repeats):
    """Median seconds of each way, taking turns; the first round warms up."""
    times = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def measure_large(args):
    """Peak of memory for a photo painted in parts, and what shows at their borders."""
    import numpy as np

    from animegan_tf.imaging.codec import read_image
    from animegan_tf.imaging.transform import resize
    from animegan_tf.inference import Stylizer
    from animegan_tf.inference.tiling import PART, tiles_of
    from animegan_tf.models import build_generator
    from animegan_tf.samples import draw_photo, random_portrait

    width, height = args.sides
    photo = (
        read_image(args.photo) if args.photo else draw_photo(random_portrait(0), 512)
    )
    photo = resize(photo, width, height)
    stylizer = Stylizer(args.generator or build_generator())
    start = time.perf_counter()
    picture = stylizer(photo)
    seconds = time.perf_counter() - start
    places = [place for *_, place in tiles_of((height, width), PART)]
    figures = {"seconds": seconds, "peak_gib": peak_gib(), "parts": len(places)}
    print(f"{width} x {height} in {len(places)} parts: {seconds:.1f} s, ", end="")
    print(f"peak {figures['peak_gib']:.2f} GiB\n")
    print("mean step between neighbours   at borders  within 8 pixels  everywhere")
    for axis, name in enumerate(("rows", "columns")):
        # What painting added to the step that is in the photo.
        added = picture.astype(np.int16) - photo
        steps = np.abs(np.diff(added, axis=axis)).mean(axis=(1 - axis, 2))
        borders = {place[axis].start for place in places} - {0}
        seams = np.array(sorted(borders), int) - 1
        if not len(seams):
            continue
        near = np.concatenate([steps[seams + i] for i in range(-8, 9) if i])
        means = {"at": steps[seams], "near": near, "everywhere": steps}
        figures[name] = {key: float(values.mean()) for key, values in means.items()}
        at, near, everywhere = figures[name].values()
        print(f"{name:<29} {at:11.3f}  {near:15.3f}  {everywhere:10.3f}")
    return figures
