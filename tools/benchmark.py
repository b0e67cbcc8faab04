"""Measures speed and memory: medians, everything of a table in one run.

    python tools/benchmark.py generator
    python tools/benchmark.py train
    python tools/benchmark.py train --image-size 256 --batch-size 2 --json step.json
    python tools/benchmark.py smoothing
    python tools/benchmark.py alignment dataset
    python tools/benchmark.py metrics my/photos my/anime \\
        --network drawing-inception --weights inception_v3_drawing_float16.npz

Other programs on the machine lengthen the times: compare figures of one run only, and
read the ratio to the machine's own matrix product beside them.
"""

import argparse
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from animegan_tf.cli import run_tool

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def median_seconds(function, repeats):
    function()
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def matmul_gflops(repeats):
    """What the machine reaches in a 4096 x 4096 float32 matrix product."""
    import tensorflow as tf

    matrix = tf.random.normal((4096, 4096))
    product = tf.function(lambda a: tf.linalg.matmul(a, a)[0, 0])
    return 2 * 4096**3 / median_seconds(lambda: float(product(matrix)), repeats) / 1e9


def peak_gib():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def measure_generator(args):
    """The main tail, as inference runs it, in three ways."""
    import numpy as np
    import tensorflow as tf

    from animegan_tf.inference import Stylizer
    from animegan_tf.models import build_generator, main_tail

    peak, rows = matmul_gflops(args.repeats), []
    tail = main_tail(build_generator())
    traced = tf.function(lambda x: tail(x, training=False))
    stylizer = Stylizer(tail, max_side=4096)
    for size in args.sizes:
        gflop = 14.79 * (size / 256) ** 2  # convolutions, METHOD: 7.39 GMAC at 256 px
        photo = np.random.default_rng(0).integers(0, 256, (size, size, 3), "uint8")
        picture = tf.constant(photo[None] / 127.5 - 1, tf.float32)
        ways = {
            "Keras, eager": lambda: tail(picture, training=False).numpy(),
            "tf.function": lambda: traced(picture).numpy(),
            "Stylizer (uint8, any size)": lambda: stylizer(photo),
        }
        for name, run in ways.items():
            seconds = median_seconds(run, args.repeats)
            share = gflop / seconds / peak
            rows.append(
                {"size": size, "way": name, "ms": 1000 * seconds, "of_peak": share}
            )
    print(f"matrix product: {peak:.0f} GFLOP/s\n")
    print(f"{'pixels':>6}  {'way':<28} {'ms':>8}  of peak")
    for row in rows:
        print(
            f"{row['size']:>6}  {row['way']:<28} {row['ms']:8.0f}  {row['of_peak']:.0%}"
        )
    return {"matmul_gflops": peak, "rows": rows}


def measure_step(args):
    """Adversarial and pre-training step of one precision, in this process."""
    import dataclasses

    import numpy as np
    import tensorflow as tf

    from animegan_tf.config import PRESETS, OptimizerConfig
    from animegan_tf.models import build_features
    from animegan_tf.samples import draw_anime, draw_photo, random_portrait
    from animegan_tf.training import run

    precision, size, count = args.precision[0], args.image_size, args.batch_size
    config = dataclasses.replace(
        PRESETS["hayao"], precision=precision, optimizer=OptimizerConfig()
    )
    # Speed does not depend on the weights' values, so none are downloaded.
    features = build_features(args.perceptual, None, dtype=run.features_dtype(config))
    pretrainer, trainer = run.build_trainers(config, features)

    def pictures(draw):
        drawn = np.stack([draw(random_portrait(i), size) for i in range(count)])
        return tf.constant(drawn / 127.5 - 1, tf.float32)

    photo, anime = pictures(draw_photo), pictures(draw_anime)
    batch = {
        "photo": photo,
        "photo_superpixels": photo,
        "anime": anime,
        "anime_smooth": anime,
    }
    result = {"precision": precision}
    for name, model in (("pretrain", pretrainer), ("adversarial", trainer)):
        step = tf.function(model.train_step)
        start = time.perf_counter()
        step(batch)
        result[f"{name}_first_seconds"] = time.perf_counter() - start

        def run_step():
            return [float(value) for value in step(batch).values()]

        trainer.targets.seconds = 0.0
        result[f"{name}_seconds"] = median_seconds(run_step, args.repeats)
        targets = trainer.targets.seconds / (args.repeats + 2)
    return {**result, "target_seconds": targets, "peak_gib": peak_gib()}


def measure_train(args):
    """`measure_step` of every precision, each in a process of its own for its peak."""
    if args.one_process:
        print(json.dumps(measure_step(args)))
        return None
    rows = []
    for precision in args.precision:
        command = [sys.executable, __file__, "train", "--one-process"]
        for flag in ("image-size", "batch-size", "perceptual", "repeats"):
            value = getattr(args, flag.replace("-", "_"))
            command += [f"--{flag}", str(value)]
        command += ["--precision", precision]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        rows.append(json.loads(output.splitlines()[-1]))
    peak = matmul_gflops(args.repeats)
    print(
        f"{args.image_size} px, batch {args.batch_size}, {args.perceptual}; "
        f"matrix product: {peak:.0f} GFLOP/s\n"
    )
    print("precision       pre-training s  adversarial s  of it targets s  peak GiB")
    for row in rows:
        print(
            f"{row['precision']:<15} {row['pretrain_seconds']:14.2f}  "
            f"{row['adversarial_seconds']:13.2f}  {row['target_seconds']:15.2f}  "
            f"{row['peak_gib']:8.2f}"
        )
    return {"matmul_gflops": peak, "rows": rows}


def smoothed_pixel_by_pixel(image):
    """`imaging.smoothing.edge_smooth` as a loop over the pixels in Python."""
    import cv2
    import numpy as np

    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 100, 200)
    contours = cv2.dilate(edges, np.ones((5, 5), np.uint8))
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "reflect")
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[..., None] / 256
    result = image.copy()
    for y, x in zip(*np.nonzero(contours)):
        result[y, x] = np.round((padded[y : y + 5, x : x + 5] * kernel).sum((0, 1)))
    return result


def measure_smoothing(args):
    """Edge smoothing of drawn anime pictures, in arrays and in a loop."""
    import numpy as np

    from animegan_tf.imaging.smoothing import edge_smooth
    from animegan_tf.samples import draw_anime, random_portrait

    pictures = [draw_anime(random_portrait(i), args.image_size) for i in range(8)]
    ways = {"edge_smooth": edge_smooth, "pixel by pixel": smoothed_pixel_by_pixel}
    seconds = {
        name: median_seconds(lambda: [way(p) for p in pictures], args.repeats)
        / len(pictures)
        for name, way in ways.items()
    }
    difference = max(
        np.abs(edge_smooth(p).astype(int) - smoothed_pixel_by_pixel(p)).max()
        for p in pictures
    )
    ratio = seconds["pixel by pixel"] / seconds["edge_smooth"]
    print(f"{args.image_size} px, {len(pictures)} drawn pictures\n")
    for name, value in seconds.items():
        print(f"{name:<15} {1000 * value:9.2f} ms a picture")
    print(f"ratio {ratio:.0f}, largest difference {difference} grey levels")
    return {"seconds": seconds, "ratio": ratio, "difference": int(difference)}


def measure_alignment(args):
    """How many photos a face was found in, and where aligned eyes are found again."""
    import numpy as np
    from tqdm import tqdm

    from animegan_tf.errors import InputError
    from animegan_tf.imaging.faces import FaceDetector, canonical_landmarks
    from animegan_tf.imaging.io import read_image

    manifest = args.dataset / "prepare" / "photos" / "manifest.jsonl"
    if not manifest.is_file():
        raise InputError(f"{manifest}: tools/prepare.py photos must have written it")
    first, *groups = map(json.loads, manifest.read_text().splitlines())
    size, margin = first["settings"]["size"], first["settings"]["margin"]
    found = sum(group[0]["face"] is not None for group in groups)
    kept = [r for group in groups for r in group if r["decision"] == "kept"]
    detector, canonical = FaceDetector(), canonical_landmarks(size, margin)
    eyes = []
    for record in tqdm(kept, unit="picture"):
        faces = detector(read_image(args.dataset / record["folder"] / record["name"]))
        if faces:
            eyes.append((np.array(faces[0].landmarks) - canonical)[:2] * 256 / size)
    mean, deviation = np.mean(eyes, axis=0), np.std(eyes, axis=0)
    print(f"a face in {found} of {len(groups)} sources ({found / len(groups):.2%})")
    print(f"found again in {len(eyes)} of {len(kept)} aligned pictures")
    print("pixels at 256 px  mean x  mean y  deviation x  deviation y")
    for name, offset, spread in zip(("left eye", "right eye"), mean, deviation):
        print(
            f"{name:<16} {offset[0]:7.2f} {offset[1]:7.2f} "
            f"{spread[0]:12.2f} {spread[1]:12.2f}"
        )
    figures = {"mean": mean.tolist(), "deviation": deviation.tolist()}
    return {"sources": len(groups), "found": found, "again": len(eyes), **figures}


def halves(folder, count):
    """Two lists of as many pictures, drawn at random and without a common one."""
    import numpy as np

    from animegan_tf.errors import InputError
    from animegan_tf.imaging.io import list_images

    paths = list_images(folder, recursive=True)
    count = min(count, len(paths) // 2)
    if count < 2:
        raise InputError(f"{folder}: must hold 4 pictures or more; got {len(paths)}")
    drawn = np.random.default_rng(0).permutation(len(paths))
    return [[paths[i] for i in part] for part in (drawn[:count], drawn[-count:])]


def damaged(paths, folder, damage):
    """PNG copies of pictures, each through `damage`, a function of Pillow images."""
    import numpy as np
    from PIL import Image

    from animegan_tf.imaging.io import read_image, write_image

    folder.mkdir()
    copies = [folder / f"{i}.png" for i in range(len(paths))]
    for path, copy in zip(paths, copies):
        write_image(copy, np.array(damage(Image.fromarray(read_image(path)))))
    return copies


def through_jpeg(image, quality):
    from PIL import Image

    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def evaluation_sets(args, folder):
    """Lists of pictures by name, and which of them are compared."""
    from functools import partial

    from PIL import ImageFilter

    photos, more_photos = halves(args.photos, args.count)
    anime, more_anime = halves(args.anime, args.count)
    sets = {
        "photos": photos,
        "more photos": more_photos,
        "anime": anime,
        "more anime": more_anime,
    }
    damages = {
        f"blurred by {radius}": lambda image, radius=radius: image.filter(
            ImageFilter.GaussianBlur(radius)
        )
        for radius in (1, 2, 4)
    } | {
        f"JPEG of quality {quality}": partial(through_jpeg, quality=quality)
        for quality in (50, 20, 5)
    }
    for number, (name, damage) in enumerate(damages.items()):
        sets[name] = damaged(more_photos, folder / str(number), damage)
    pairs = [("photos", name) for name in ("more photos", *damages, "anime")]
    return sets, [*pairs, ("anime", "more anime")]


def measure_metrics(args):
    """Distances of sets whose order is known, and what the cache saves."""
    import numpy as np

    from animegan_tf.evaluation import intervals
    from animegan_tf.evaluation.extraction import FeatureCache, extract
    from animegan_tf.evaluation.features import InceptionNetwork
    from animegan_tf.evaluation.views import View

    network = InceptionNetwork(args.network, args.weights)
    network.check()
    with tempfile.TemporaryDirectory() as folder:
        sets, pairs = evaluation_sets(args, Path(folder))
        cache, seconds = FeatureCache(Path(folder) / "cache"), []
        for _ in range(2):
            start = time.perf_counter()
            found = {
                name: extract(network, list(map(View, paths)), cache=cache, label=name)
                for name, paths in sets.items()
            }
            seconds.append(time.perf_counter() - start)
    total = sum(map(len, sets.values()))
    print(
        f"{network.identifier}\n{total} pictures: {seconds[0]:.0f} s, from the cache "
        f"{seconds[1]:.1f} s; peak {peak_gib():.2f} GiB\n"
    )
    print(f"{'sets':<32} {'Frechet':>22} {'1000 x kernel':>22} precision recall")
    rows = []
    for pair in pairs:
        a, b = (found[name]["features"] for name in pair)
        size, rng = min(len(a), len(b)) // 2, np.random.default_rng(0)
        frechet = intervals.frechet(a, b, rng)
        kernel = intervals.kernel(a, b, rng, 100, size)
        shares = [estimate.value for estimate in intervals.precision_recall(a, b, rng)]
        print(
            f"{' - '.join(pair):<32} {shown(frechet, 1):>22} {shown(kernel, 1000):>22} "
            f"{shares[0]:9.2f} {shares[1]:6.2f}"
        )
        rows.append([pair, frechet, kernel, *shares])
    return {"network": network.identifier, "seconds": seconds, "rows": rows}


def shown(estimate, factor):
    low, value, high = (
        factor * x for x in (estimate.low, estimate.value, estimate.high)
    )
    return f"{value:.2f} ({low:.2f}, {high:.2f})"


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    generator = commands.add_parser("generator", help="painting one picture")
    generator.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    train = commands.add_parser("train", help="one training step")
    train.add_argument("--image-size", type=int, default=128)
    train.add_argument("--batch-size", type=int, default=4)
    train.add_argument("--perceptual", default="vgg19")
    train.add_argument(
        "--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS[:2]
    )
    train.add_argument("--one-process", action="store_true", help=argparse.SUPPRESS)
    smoothing = commands.add_parser("smoothing", help="edge smoothing of a picture")
    smoothing.add_argument("--image-size", type=int, default=256)
    alignment = commands.add_parser("alignment", help="eyes in a prepared data set")
    alignment.add_argument("dataset", type=Path, help="of tools/prepare.py photos")
    metrics = commands.add_parser("metrics", help="distances of sets of pictures")
    metrics.add_argument("photos", type=Path)
    metrics.add_argument("anime", type=Path)
    metrics.add_argument("--network", default="inception")
    metrics.add_argument("--weights", type=Path)
    metrics.add_argument("--count", type=int, default=500, help="pictures of a set")
    for command in (generator, train, smoothing, alignment, metrics):
        command.add_argument("--repeats", type=int, default=9, help="steps timed")
        command.add_argument("--json", metavar="PATH", help="also write the figures")
    return parser.parse_args()


def main():
    args = parse_arguments()
    measure = {
        "generator": measure_generator,
        "train": measure_train,
        "smoothing": measure_smoothing,
        "alignment": measure_alignment,
        "metrics": measure_metrics,
    }
    measured = measure[args.what](args)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(measured, file, indent=2)


if __name__ == "__main__":
    run_tool(main)
