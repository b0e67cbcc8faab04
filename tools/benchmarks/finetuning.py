"""A generator that is moved to a new style by a short adversarial phase."""

import subprocess
import sys
from pathlib import Path

TRAIN = Path(__file__).parents[1] / "train.py"
SIZE, COUNT = 96, 100
# With random features more style makes rings, so the discriminator has to teach it.
FLAGS = (
    *("--perceptual", "random", "--image-size", str(SIZE), "--batch-size", "2"),
    *("--generator-rate", "1.5e-4", "--discriminator-rate", "1.5e-4", "--ema", "0.98"),
    *("--weights.content", "0.2", "--weights.style", "0.03", "1", "3"),
    *("--weights.region", "0.2", "--weights.color", "8", "--weights.lightness", "0.2"),
    *("--weights.total-variation", "1", "--weights.support-adversarial", "8"),
)


def measure_finetune(args):
    """Lightness of painted pictures beside two styles, before and after fine-tuning.

    The sample training's cels are one style; the same ones printed in three tones
    with thick lines are the new one. A run on the old style with the same settings
    tells what the settings do from what the pictures teach. Colours are the photo's in
    either case, as the loss asks for, so lightness is what a style is known by.
    """
    from animegan_tf.files import list_images
    from animegan_tf.imaging.codec import read_image, write_image
    from animegan_tf.inference import Stylizer
    from animegan_tf.samples import write_samples

    work = args.work
    write_samples(work, photos=160, anime=COUNT, size=SIZE, seed=1, validation=64)
    folders = {"cel": work / "Sample" / "style", "print": work / "Print" / "style"}
    _print_all(folders["cel"], folders["print"])
    _print_all(work / "val_anime", work / "val_print")
    painters = {"before": args.generator}
    for style, folder in folders.items():
        painters[f"after, {style}"] = _train(args, folder, work / f"run-{style}")
    photos = [read_image(path) for path in list_images(work / "val")]
    pictures = {"the photos": photos}
    for name, path in painters.items():
        stylizer = Stylizer(path)
        pictures[name] = [stylizer(photo) for photo in photos]
    truth = {
        style: [read_image(path) for path in list_images(work / f"val_{name}")]
        for style, name in (("cel", "anime"), ("print", "print"))
    }
    write_image(work / "grid.png", _grid(pictures, truth))
    return _report(pictures | truth, truth, work)


def _print_all(source, target):
    from animegan_tf.files import list_images
    from animegan_tf.imaging.codec import read_image, write_image

    target.mkdir(parents=True, exist_ok=True)
    for path in list_images(source):
        write_image(target / path.name, printed(read_image(path)))


def printed(image):
    """A cel in three tones, its lines thick and black; uint8 RGB like the cel."""
    import cv2
    import numpy as np

    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    tones = np.uint8([90, 160, 235])[np.digitize(lab[..., 0], (95, 165))]
    edges = cv2.Canny(np.ascontiguousarray(lab[..., 0]), 60, 140)
    lines = cv2.dilate(edges, np.ones((2, 2))) > 0
    lab[..., 0] = np.where(lines, 25, tones)
    lab[..., 1:][lines] = 128
    return cv2.GaussianBlur(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), (3, 3), 0)


def _train(args, anime, run):
    """The generator of a run of `tools/train.py`; one that is there is taken."""
    generator = run / "generator.keras"
    if not generator.is_file():
        command = [sys.executable, str(TRAIN), "--init", str(args.generator), *FLAGS]
        command += ["--photos", str(args.work / "train_photo"), "--anime", str(anime)]
        command += ["--validation", str(args.work / "val"), "--run-dir", str(run)]
        command += ["--cache", str(args.work / "cache"), "--freeze", args.freeze]
        command += ["--epochs", "1", "--steps-per-epoch", str(args.steps)]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return generator


def _lightness(pictures):
    """L of Lab, 0 to 100, of every pixel."""
    import cv2
    import numpy as np

    labs = [cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) for picture in pictures]
    return np.concatenate([lab[..., 0].ravel() for lab in labs]) / 2.55


def _grid(pictures, truth):
    from animegan_tf.imaging.transform import image_grid

    columns = {**pictures, **truth}
    rows = [[images[i] for images in columns.values()] for i in range(6)]
    return image_grid(rows, list(columns))


def _report(pictures, truth, work):
    from scipy.stats import wasserstein_distance

    lightness = {name: _lightness(images) for name, images in pictures.items()}
    print(f"lightness of 64 held-out pictures, side by side in {work / 'grid.png'}\n")
    print("                 distance to cel  to print  share of pixels under 15")
    figures = {}
    for name, values in lightness.items():
        row = {f"to_{s}": wasserstein_distance(values, lightness[s]) for s in truth}
        row["dark"] = float((values < 15).mean())
        figures[name] = row
        print(
            f"{name:<17}{row['to_cel']:15.1f}{row['to_print']:10.1f}{row['dark']:26.3f}"
        )
    return figures
