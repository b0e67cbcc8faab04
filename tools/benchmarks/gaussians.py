"""Every objective on eight Gaussians: two dimensions, modes that can be counted."""

import statistics
from dataclasses import dataclass

MODES, RADIUS, DEVIATION = 8, 2.0, 0.05
BATCH, LATENT, WIDTH, RATE = 128, 8, 64, 1e-3
SAMPLES = 10_000
# Of all samples: a mode of its full share has 12.5 %.
ENOUGH = 0.01


@dataclass(frozen=True)
class Game:
    """An objective with its penalty and what steadies the discriminator."""

    objective: str
    penalty: str = "none"
    spectral: bool = False
    minibatch: int = 0
    discriminator_steps: int = 1

    @property
    def name(self):
        parts = [self.objective.replace("_", " ")]
        parts += {
            "gradient": ["gradient penalty"],
            "r1": ["R1"],
            "r1_r2": ["R1 + R2"],
        }.get(self.penalty, [])
        parts += ["spectral norm"] if self.spectral else []
        parts += ["minibatch"] if self.minibatch else []
        parts += [f"{self.discriminator_steps} to 1"] * (self.discriminator_steps > 1)
        return ", ".join(parts)


# A discriminator whose slope is held learns more slowly: three updates for one.
GAMES = (
    Game("least_squares"),
    Game("minimax"),
    Game("non_saturating"),
    Game("hinge"),
    Game("relativistic"),
    Game("wasserstein", "gradient", discriminator_steps=3),
    Game("relativistic", "r1_r2"),
    Game("non_saturating", "r1"),
    *(
        Game(name, spectral=True, discriminator_steps=3)
        for name in ("least_squares", "non_saturating", "hinge", "wasserstein")
    ),
    Game("least_squares", minibatch=16),
    Game("non_saturating", minibatch=16),
)
# Weight of each penalty: what suits eight points on a circle, not pictures.
FACTORS = {"gradient": 0.1, "r1": 0.1, "r1_r2": 0.1}


def centres():
    """float32 `(8, 2)`."""
    import numpy as np

    angles = 2 * np.pi * np.arange(MODES) / MODES
    return (RADIUS * np.stack([np.cos(angles), np.sin(angles)], 1)).astype("float32")


def count_modes(points):
    """Modes that are found and the share of good samples.

    Args:
        points: `(samples, 2)`.

    Returns:
        `(modes, share)`: a sample is good within 3 standard deviations of a centre; a
        mode is found with 1 % of all samples good and at it.
    """
    import numpy as np

    distances = np.linalg.norm(points[:, None] - centres()[None], axis=-1)
    good = distances.min(1) < 3 * DEVIATION
    at = np.bincount(distances.argmin(1)[good], minlength=MODES)
    return int((at >= ENOUGH * len(points)).sum()), float(good.mean())


def build_players(game):
    """Generator and discriminator, two hidden layers each."""
    import keras

    from animegan_tf.layers import MinibatchDiscrimination
    from animegan_tf.layers.convolution import SpectralKernel

    class SpectralDense(SpectralKernel, keras.layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.add_spectral_vector(self.units)

        def call(self, inputs, training=False):
            kernel = self.normalised(self.kernel, training)
            return keras.ops.matmul(inputs, kernel) + self.bias

    dense = SpectralDense if game.spectral else keras.layers.Dense
    latent, point = keras.Input((LATENT,)), keras.Input((2,))
    x, y = latent, point
    for _ in range(2):
        x = keras.layers.Dense(WIDTH, "relu")(x)
        y = keras.layers.LeakyReLU(0.2)(dense(WIDTH)(y))
    if game.minibatch:
        y = keras.layers.Reshape((1, 1, WIDTH))(y)
        y = keras.layers.Flatten()(MinibatchDiscrimination(game.minibatch)(y))
    generator = keras.Model(latent, keras.layers.Dense(2)(x))
    return generator, keras.Model(point, dense(1)(y))


class Match:
    """A generator and a discriminator that play a game from a seed on.

    Args:
        game: `Game`.
        seed: of weights and of all that is drawn.
    """

    def __init__(self, game, seed):
        import keras
        import tensorflow as tf

        from animegan_tf.objectives import objective

        keras.utils.set_random_seed(seed)
        self.game, self.seed = game, seed
        self.rules = objective(game.objective)
        self.generator, self.discriminator = build_players(game)
        self.optimizers = []
        for player in (self.generator, self.discriminator):
            self.optimizers.append(keras.optimizers.Adam(RATE, 0.5, 0.9))
            self.optimizers[-1].build(player.trainable_variables)
        self.done = tf.Variable(0, dtype=tf.int64)
        self.play = tf.function(self._play, jit_compile=True)

    def _play(self, steps):
        """`steps` updates of each side."""
        import tensorflow as tf

        seed, updates = tf.constant(self.seed, tf.int64), self.game.discriminator_steps
        for _ in tf.range(steps):
            for place in range(updates):
                key = tf.stack([seed, self.done * updates + place])
                self._step(key, generator=place == updates - 1)
            self.done.assign_add(1)

    def _step(self, key, generator):
        """An update of the discriminator, and one of the generator if it is wanted."""
        from animegan_tf.training.penalties import slope_penalty
        from animegan_tf.training.step import gradients_of, watching

        real, latent = self._drawn(key)
        players = self.generator, self.discriminator
        tapes = [watching(player.trainable_variables) for player in players]
        with tapes[0]:
            fake = self.generator(latent)
            with tapes[1]:
                fake_logits = self.discriminator(fake)
                real_logits = self.discriminator(real, training=True)
            painted = self.rules.painted(fake_logits, real_logits)
        with tapes[1]:
            loss = self.rules.fake(fake_logits, real_logits)
            if not self.rules.compares:
                loss += self.rules.real(real_logits)
            if self.game.penalty != "none":
                loss += FACTORS[self.game.penalty] * slope_penalty(
                    self.game.penalty, self.discriminator, real, [(1.0, fake)], key
                )
        sides = list(zip(tapes, (painted, loss), self.optimizers, players))
        for tape, value, optimizer, player in sides if generator else sides[1:]:
            variables = player.trainable_variables
            optimizer.apply(gradients_of(tape, value, optimizer, variables), variables)

    def _drawn(self, key):
        """Real points and latent ones of a step."""
        import tensorflow as tf

        draw = tf.random.experimental.stateless_fold_in
        noise = tf.random.stateless_normal((BATCH, 2), draw(key, 1), alg="philox")
        mode = tf.random.stateless_uniform(
            (BATCH,), draw(key, 2), 0, MODES, tf.int32, alg="philox"
        )
        latent = tf.random.stateless_normal((BATCH, LATENT), draw(key, 3), alg="philox")
        return tf.gather(tf.constant(centres()), mode) + DEVIATION * noise, latent

    def samples(self, count=SAMPLES):
        """float32 `(count, 2)` of the generator as it is."""
        import numpy as np

        latent = np.random.default_rng(self.seed).standard_normal((count, LATENT))
        return np.asarray(self.generator(latent.astype("float32")))


def measure_gaussians(args):
    """Modes and good samples of every game, `args.repeats` seeds each."""
    import tensorflow as tf

    rows, points = [], []
    print(
        f"{MODES} Gaussians with a deviation of {DEVIATION} on a circle of radius "
        f"{RADIUS:g}; {args.steps} updates of the generator, batches of {BATCH}, "
        f"{args.repeats} seeds\n\n{'game':<42} modes found       good samples"
    )
    for game in GAMES:
        found = []
        for seed in range(args.repeats):
            match = Match(game, seed)
            match.play(tf.constant(args.steps))
            samples = match.samples()
            found.append(count_modes(samples))
            points += [samples] * (seed == 0)
        modes, shares = zip(*found)
        rows.append({"game": game.name, "modes": modes, "good": shares})
        print(
            f"{game.name:<42} {' '.join(map(str, modes)):<17} "
            f"{statistics.mean(shares):.0%} "
            f"({min(shares):.0%} to {max(shares):.0%})",
            flush=True,
        )
    if args.plot:
        _plot(rows, points, args.plot)
    return {"steps": args.steps, "rows": rows}


_PANEL, _COLUMNS, _TEXT, _SHOWN = 220, 5, 36, 1500


def _plot(rows, points, path):
    """A panel for each game: rings at 3 deviations, samples of the first seed."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from animegan_tf.imaging.codec import write_image

    lines = -(-len(rows) // _COLUMNS)
    size = _PANEL * _COLUMNS, (_PANEL + _TEXT) * lines
    picture = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    scale, ring = _PANEL / 2 / (1.5 * RADIUS), 3 * DEVIATION
    for number, (row, samples) in enumerate(zip(rows, points)):
        left, top = number % _COLUMNS * _PANEL, number // _COLUMNS * (_PANEL + _TEXT)

        def dot(x, y, radius, **colour):
            x, y = left + _PANEL / 2 + scale * x, top + _TEXT + _PANEL / 2 - scale * y
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], **colour)

        box = [left + 2, top + _TEXT, left + _PANEL - 3, top + _TEXT + _PANEL - 3]
        draw.rectangle(box, outline="#cccccc")
        for x, y in samples[:_SHOWN]:
            if max(abs(x), abs(y)) < 1.45 * RADIUS:
                dot(x, y, 1, fill="#3b6ea8")
        for x, y in centres():
            dot(x, y, ring * scale, outline="#c8553d")
        draw.text((left + 4, top + 2), row["game"], fill="black", font=font)
        told = f"{row['modes'][0]} modes, {row['good'][0]:.0%} good"
        draw.text((left + 4, top + 18), told, fill="#555555", font=font)
    write_image(path, np.asarray(picture))
