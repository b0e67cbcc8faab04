"""Distances of sets of pictures whose order is known."""

import io
import tempfile
import time
from pathlib import Path

from benchmarks.timing import peak_gib


def halves(folder, count):
    """Two lists of as many pictures, drawn at random and without a common one."""
    import numpy as np

    from animegan_tf.errors import InputError
    from animegan_tf.files import list_images

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

    from animegan_tf.imaging.codec import read_image, write_image

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
    from animegan_tf.evaluation.extractors import InceptionNetwork
    from animegan_tf.evaluation.features import FeatureCache, View, extract

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
