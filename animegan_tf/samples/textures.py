"""Noise fields for pores, strands, curls and camera grain, made on first use."""

import functools

import cv2
import numpy as np

TILE = 640


@functools.lru_cache(maxsize=1)
def noise():
    """Tileable unit-variance noise fields, float32: grain, streaks, blotches, curls."""
    rng = np.random.default_rng(20240)
    grain = rng.standard_normal((TILE, TILE, 3)).astype(np.float32)

    def soft(channel, across, along):
        wide = np.pad(grain[..., channel], 128, mode="wrap")
        wide = cv2.GaussianBlur(wide, (0, 0), across, sigmaY=along)[128:-128, 128:-128]
        return wide / wide.std()

    streak = soft(0, 0.8, 40) + 0.8 * soft(1, 2.5, 40) + 0.8 * soft(2, 7, 40)
    # Ridges where smooth noise crosses zero look like ringlets.
    curls = 0.8 - np.abs(soft(0, 2.5, 2.5)) - 0.7 * np.abs(soft(1, 4, 4))
    curls += 0.4 * soft(2, 8, 8)
    return {
        "grain": grain,
        "streak": streak / streak.std(),
        "blotch": soft(2, 6, 6),
        "curl": (curls - curls.mean()) / curls.std(),
    }


def texture(name, side, seed):
    """A noise field, shifted by the seed, float32 (side, side[, 3])."""
    field = noise()[name]
    if side > TILE:
        repeat = -(-side // TILE)
        field = np.tile(field, (repeat, repeat) + (1,) * (field.ndim - 2))
    spare = len(field) - side + 1
    y, x = seed * 97 % spare, seed * 193 % spare
    return field[y : y + side, x : x + side]
