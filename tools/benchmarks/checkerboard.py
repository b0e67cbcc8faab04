"""Checkerboards in what the generator paints, by the way its tails double a size."""

import statistics

WAYS = {"bilinear": "half_pixel", "nearest": "nearest", "transposed": "transposed"}
BATCH = 4


def alternation(pictures):
    """Share of a picture's energy that alternates from pixel to pixel.

    Args:
        pictures: `(batch, side, side, 3)`.

    Returns:
        Mean over the batch: energy of the luma's frequencies that are the highest there
        are, half a cycle a pixel, down or across, in all energy but the mean's.
        White noise has about 2 / side.
    """
    import numpy as np

    luma = np.asarray(pictures, "float64") @ [0.2989, 0.5870, 0.1140]
    energy = np.abs(np.fft.fft2(luma)) ** 2
    energy[:, 0, 0] = 0
    half = luma.shape[1] // 2
    highest = energy[:, half].sum(-1) + energy[:, :, half].sum(-1)
    highest -= energy[:, half, half]
    return float((highest / energy.sum((1, 2))).mean())


def _photos(size, seed):
    import numpy as np

    from animegan_tf.samples import draw_photo, random_portrait

    people = range(seed * BATCH, (seed + 1) * BATCH)
    drawn = np.stack([draw_photo(random_portrait(i), size) for i in people])
    return (drawn / 127.5 - 1).astype("float32")


def _measured(way, args, seed, features):
    """Alternation at the start and after a short pre-training."""
    import keras
    import tensorflow as tf

    from animegan_tf.config import LossWeights, OptimizerConfig
    from animegan_tf.models import build_generator
    from animegan_tf.training.pretrain import GeneratorPretrainer
    from animegan_tf.training.step import WeightAverage, build_optimizer

    keras.utils.set_random_seed(seed)
    generator = build_generator(args.width, resize=WAYS[way])
    trainer = GeneratorPretrainer(
        generator, features, LossWeights(), WeightAverage(generator, 0.9)
    )
    variables = generator.trainable_variables
    trainer.compile(build_optimizer(1e-3, OptimizerConfig(), "float32", variables))
    step = tf.function(trainer.train_step)
    shown = _photos(args.image_size, args.steps)
    before = alternation(generator(shown)["main"])
    for number in range(args.steps):
        step({"photo": tf.constant(_photos(args.image_size, number))})
    return before, alternation(generator(shown)["main"])


def measure_checkerboard(args):
    """Every way of upsampling, `args.repeats` seeds each."""
    from animegan_tf.models import build_features

    features = build_features("random", None)
    photos = alternation(_photos(args.image_size, args.steps))
    print(
        f"share of the energy at half a cycle a pixel, {args.image_size} px, width "
        f"{args.width}, {args.repeats} seeds, {args.steps} pre-training steps; in the "
        f"photos {photos:.4%}\n\nupsampling    random weights         trained"
    )
    rows = []
    for way in WAYS:
        seeds = range(args.repeats)
        found = [_measured(way, args, seed, features) for seed in seeds]
        before, after = (list(column) for column in zip(*found))
        rows.append({"upsampling": way, "random": before, "trained": after})
        print(f"{way:<12}  {_shown(before):<21}  {_shown(after)}", flush=True)
    return {"photos": photos, "rows": rows}


def _shown(shares):
    low, high = min(shares), max(shares)
    return f"{statistics.mean(shares):.4%} ({low:.4%} to {high:.4%})"
