"""Pictures a second of learning from drawings, beside phase 1 with painted photos."""

import dataclasses
import statistics
import time
from pathlib import Path

from benchmarks.timing import matmul_gflops

LEARNER, PAINTED = "--illustrated", "--photo-painted"


def measure_illustrated(args):
    """Both steps turn by turn in one process, so that what else runs slows both.

    Both teach pictures of the photos' own scene with the same VGG16: the learner one
    tail, with VGG16's first three blocks and for a part of the batch; phase 1 both
    tails, with four blocks and for the whole batch.
    """
    steps = {LEARNER: _learner_step(args), PAINTED: _painted_step(args)}
    for name, step in steps.items():
        seconds = _seconds(step)[0]
        print(f"{name}: first step, traced, in {seconds:.0f} s", flush=True)
        step()
    times = {name: [] for name in steps}
    for turn in range(args.repeats):
        for name, step in steps.items():
            times[name].append(_seconds(step))
            speed = args.batch_size / times[name][-1][0]
            print(f"{turn + 1}/{args.repeats} {name:<15} {speed:8.2f}/s", flush=True)
    rows = [_row(name, values, args.batch_size) for name, values in times.items()]
    turns = zip(times[LEARNER], times[PAINTED])
    ratios = [[b / a for a, b in zip(*turn)] for turn in turns]  # of clock and CPU
    ratio, cpu_ratio = (statistics.median(column) for column in zip(*ratios))
    peak = matmul_gflops(args.repeats)
    print(
        f"\n{args.image_size} px, batch {args.batch_size}, width {args.width}, VGG16 "
        f"sees {args.seen} of a batch; matrix product: {peak:.0f} GFLOP/s\n"
    )
    print("training         pictures a second  CPU seconds a picture")
    for row in rows:
        print(
            f"{row['training']:<15}  {row['pictures_per_second']:17.2f}  "
            f"{row['cpu_seconds']:21.2f}"
        )
    print(
        f"\nthe first is {ratio:.1f} times as fast, with 1/{cpu_ratio:.1f} of the CPU "
        "(medians of the turns)"
    )
    ratios = {"ratio": ratio, "cpu_ratio": cpu_ratio}
    return {"matmul_gflops": peak, "rows": rows, **ratios}


def _row(name, values, count):
    wall, cpu = (statistics.median(column) for column in zip(*values))
    return {
        "training": name,
        "pictures_per_second": count / wall,
        "cpu_seconds": cpu / count,
    }


def _seconds(step):
    """On the clock, and of all cores."""
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - cpu


def _pictures(args, channels):
    import numpy as np

    shape = args.batch_size, args.image_size, args.image_size, channels
    return np.random.default_rng(channels).integers(0, 256, shape, dtype=np.uint8)


def _learner_step(args):
    """A step of the learner as a function of nothing."""
    import tensorflow as tf

    from animegan_tf.training.illustrated.run import Run
    from animegan_tf.training.illustrated.settings import IllustratedConfig

    stage = f"{args.image_size}:{args.batch_size}:100000:1e-3:{args.seen}"
    config = IllustratedConfig(width=args.width, stages=stage)
    run = Run(config, None, [], features=_perceptual(args))
    run.learner.begin(run.stages[0], run.optimizer)
    batch = tf.constant(_pictures(args, 3)), tf.constant(_pictures(args, 4))
    step = tf.function(run.learner.train_step)
    return lambda: float(step(batch)["loss"])


def _perceptual(args):
    from animegan_tf.training.illustrated.learner import perceptual_network

    # Speed does not depend on the weights' values, so none are read.
    return perceptual_network(None) if args.seen else None


def _painted_step(args):
    """A step of phase 1 with painted photos as a function of nothing."""
    import tensorflow as tf

    from animegan_tf.models import build_features
    from animegan_tf.presets import PRESETS
    from animegan_tf.training import build

    portrait = PRESETS["portrait"]
    config = dataclasses.replace(
        portrait,
        width=args.width,
        perceptual="vgg16",
        data=dataclasses.replace(portrait.data, photo_painted=Path("painted")),
    )
    trainer = build.build_trainers(config, build_features("vgg16", None))[0]
    picture = tf.constant(_pictures(args, 3) / 127.5 - 1, tf.float32)
    batch = {"photo": picture, "photo_painted": picture}
    step = tf.function(trainer.train_step)
    return lambda: [float(value) for value in step(batch).values()]
