"""How far the exported files are from the Keras model, on photos."""

import tempfile
from pathlib import Path

import numpy as np
from benchmarks.runtimes import export_all, runtime

WAYS = (
    "SavedModel",
    "ONNX Runtime",
    "LiteRT float32",
    "LiteRT float16",
    "LiteRT dynamic",
)
_HIGHEST = 100.0


def measure_quality(args):
    """Each way's pictures beside those of Keras in float32, photo by photo."""
    from animegan_tf.evaluation.extractors import Lpips
    from animegan_tf.files import list_images
    from animegan_tf.imaging.codec import read_image
    from animegan_tf.imaging.color import to_levels
    from animegan_tf.imaging.transform import square
    from animegan_tf.inference import load_runtime

    paths = list_images(args.photos)[: args.pictures or None]
    photos = [square(read_image(path), args.image_size) for path in paths]
    lpips = Lpips(args.lpips) if args.lpips else None
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        export_all(args.generator, folder, [args.image_size], args.ways)
        keras = load_runtime(folder / "generator.keras")
        expected = [to_levels(keras(photo)) for photo in photos]
        for way in args.ways:
            paint = runtime(way, folder, args.image_size)
            pictures = [to_levels(paint(photo)) for photo in photos]
            rows.append({"way": way, **compared(expected, pictures, lpips)})
    print(
        f"{len(photos)} photos at {args.image_size} px against Keras in float32: "
        "mean (worst)\n"
    )
    print(f"{'way':<16} {'largest step':>12} {'PSNR dB':>16} {'SSIM':>18}  LPIPS")
    for row in rows:
        print(
            f"{row['way']:<16} {row['levels']:>12} "
            f"{row['psnr']:7.1f} ({row['psnr_worst']:6.1f}) "
            f"{row['ssim']:9.5f} ({row['ssim_worst']:7.5f})  "
            + (f"{row['lpips']:.5f}" if lpips else "no weights given")
        )
    return {"pictures": len(photos), "size": args.image_size, "rows": rows}


def compared(expected, pictures, lpips):
    from animegan_tf.evaluation.pixels import psnr, ssim

    pairs = list(zip(expected, pictures))
    steps = [np.abs(a.astype(int) - b).max() for a, b in pairs]
    # The ratio of equal pictures is infinite, which no mean survives.
    ratios = [min(psnr(a, b), _HIGHEST) for a, b in pairs]
    likeness = [ssim(a, b) for a, b in pairs]
    row = {
        "levels": int(max(steps)),
        "psnr": float(np.mean(ratios)),
        "psnr_worst": float(min(ratios)),
        "ssim": float(np.mean(likeness)),
        "ssim_worst": float(min(likeness)),
    }
    if lpips:
        row["lpips"] = float(np.mean([lpips(a, b) for a, b in pairs]))
    return row
