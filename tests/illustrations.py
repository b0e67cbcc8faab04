"""Photos with a drawing and landmarks each, small and made by code."""

import cv2
import numpy as np

from animegan_tf.imaging.codec import write_image

SIDE = 64
# The lids of each eye, its outer corner first and its inner one ninth.
_LIDS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)


def face_points(centre=(32, 32), height=40.0):
    """Landmarks `(478, 2)` of an upright face: its oval, two eyes, a mouth."""
    x, y = centre
    points = np.tile(np.float32([x, y + 0.25 * height]), (478, 1))  # all in the mouth
    points[10], points[152] = (x, y - height / 2), (x, y + height / 2)
    points[234], points[454] = (x - 0.4 * height, y), (x + 0.4 * height, y)
    for side, lids in zip((-1, 1), _LIDS):
        eye = np.float32([x + side * 0.2 * height, y - 0.1 * height])
        points[list(lids)] = eye
        points[lids[0]] += side * 0.08 * height, 0
        points[lids[8]] -= side * 0.08 * height, 0
    return points


def eye_centres(points):
    return [points[list(lids)].mean(axis=0) for lids in _LIDS]


def picture(seed, points):
    """Smooth colours without red, and a red dot in each eye."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 255, (5, 5, 3), dtype=np.uint8)
    coarse[..., 0] = 0
    image = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    for x, y in eye_centres(points):
        cv2.circle(image, (round(float(x)), round(float(y))), 2, (255, 0, 0), -1)
    return image


def write_pairs(folder, count=6):
    """Writes `photos` and `illustrated`; the drawings are the photos, brighter."""
    landmarks = {}
    for number in range(count):
        points = face_points((30 + number, 32), 30 + 2 * number)
        photo, stem = picture(number, points), f"face_{number}"
        for name, image in (("photos", photo), ("illustrated", photo // 2 + 120)):
            (folder / name).mkdir(exist_ok=True)
            write_image(folder / name / f"{stem}.png", image)
        landmarks[stem] = points
    np.savez(folder / "illustrated" / "landmarks.npz", **landmarks)
    return folder / "photos", folder / "illustrated"
