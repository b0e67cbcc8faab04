"""What half precision changes in a trained generator, beside what another seed does."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

TRAIN = Path(__file__).parents[1] / "train.py"
RUNS = (
    ("float32", 0),
    ("float32", 1),
    ("mixed_bfloat16", 0),
    ("mixed_float16", 0),
)
FIGURES = {
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "color": "colour",
    "support": "support terms",
    "main": "main terms",
    "discriminator": "discriminators",
}


def measure_precision(args):
    """Short runs on the sample data, judged by portraits that none of them saw."""
    with TemporaryDirectory() as folder:
        rows = [
            {"precision": precision, "seed": seed}
            | _train(args, Path(folder) / f"{precision}-{seed}", precision, seed)
            for precision, seed in RUNS
        ]
    print(
        f"sample data, {args.steps} steps of phase 1 and {args.epochs * args.steps} of "
        f"phase 2, {args.portraits} held-out portraits against their true pictures\n"
    )
    print("precision       seed" + "".join(f"{x:>16}" for x in FIGURES.values()))
    for row in rows:
        print(
            f"{row['precision']:<15} {row['seed']:>4}"
            + "".join(f"{row[name]:16.4f}" for name in FIGURES)
        )
    return {"rows": rows}


def _train(args, run, precision, seed):
    settings = {
        "run-dir": run,
        "cache": run.with_name(f"cache-{seed}"),
        "precision": precision,
        "seed": seed,
        "steps-per-epoch": args.steps,
        "pretrain-epochs": 1,
        "epochs": 1 + args.epochs,
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    subprocess.run(
        [sys.executable, TRAIN, *flags], check=True, stdout=subprocess.DEVNULL
    )
    line = [json.loads(line) for line in open(run / "log.jsonl")][-1]
    terms = {
        side: sum(value for name, value in line.items() if name.startswith(f"{side}/"))
        for side in ("support", "main", "discriminator")
    }
    return {**terms, **_judge(run / "generator.keras", args.portraits)}


def _judge(generator, count):
    """Means over drawn portraits whose true pictures are known."""
    from animegan_tf.evaluation.pixels import Comparison
    from animegan_tf.inference import Stylizer
    from animegan_tf.samples import (
        draw_anime,
        draw_photo,
        held_out_people,
        random_portrait,
    )

    people, size = [random_portrait(i) for i in held_out_people(count)], 256
    stylizer = Stylizer(generator)
    painted = [stylizer(draw_photo(person, size)) for person in people]
    truths = [draw_anime(person, size) for person in people]
    compared = Comparison(size).run(truths, painted)
    return {name: float(np.mean(compared[name])) for name in ("psnr", "ssim", "color")}
