"""Time and memory of a training step."""

import dataclasses
import json
import subprocess
import sys
import time

from benchmarks.timing import is_emulated, matmul_gflops, median_seconds, peak_gib

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def measure_step(args):
    """Adversarial and pre-training step of one precision, in this process."""
    import numpy as np
    import tensorflow as tf

    from animegan_tf.config import OptimizerConfig, StartConfig
    from animegan_tf.models import build_features
    from animegan_tf.presets import PRESETS
    from animegan_tf.samples import draw_anime, draw_photo, random_portrait
    from animegan_tf.training import build

    precision, size, count = args.precision[0], args.image_size, args.batch_size
    config = dataclasses.replace(
        PRESETS["hayao"],
        precision=precision,
        optimizer=OptimizerConfig(),
        start=StartConfig(freeze=args.freeze),
    )
    # Speed does not depend on the weights' values, so none are downloaded.
    features = build_features(args.perceptual, None, dtype=build.features_dtype(config))
    pretrainer, trainer = build.build_trainers(config, features)

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
    for precision in _precisions(args):
        print(f"measuring {precision}", flush=True)
        command = [sys.executable, sys.argv[0], "train", "--one-process"]
        for flag in ("image-size", "batch-size", "perceptual", "repeats", "freeze"):
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


def _precisions(args):
    """Those that are asked for; else the first two, but none that is emulated."""
    if args.precision:
        return args.precision
    for precision in PRECISIONS[1:2]:
        if is_emulated(precision):
            print(f"{precision} is left out: this CPU emulates it")
            return PRECISIONS[:1]
    return PRECISIONS[:2]
