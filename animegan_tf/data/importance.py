"""Where a drawn face must be right: its eyes first, then brows and mouth."""

import cv2
import numpy as np

from animegan_tf.imaging.landmarks import (
    CHIN,
    FOREHEAD,
    LEFT_BROW,
    LEFT_EYE,
    LIPS,
    POINTS,
    RIGHT_BROW,
    RIGHT_EYE,
)

# Of MediaPipe's face mesh, with the irises.
LANDMARKS = POINTS
SIDES = (234, 454)
_EYES = (LEFT_EYE, RIGHT_EYE)
_BROWS = tuple(upper + lower for upper, lower in (LEFT_BROW, RIGHT_BROW))
_EYE, _FEATURE = 255, 102
# Radius of an eye's disc in widths of the eye: drawn eyes are larger than the photo's.
_EYE_RADIUS = 0.8
# In heights of the face: what a feature's hull grows by, and the map's soft edge.
_MARGIN, _SOFTNESS = 0.03, 0.015


def face_height(points):
    """From the forehead's top to the chin, in the units of the `(478, 2)` points."""
    return float(np.linalg.norm(points[CHIN] - points[FOREHEAD]))


def face_centre(points):
    """The middle of the face's oval `(2,)`."""
    return points[[FOREHEAD, CHIN, *SIDES]].mean(axis=0)


def importance_map(faces, height, width):
    """How much each pixel of a drawing counts beyond the others.

    Args:
        faces: float `(faces, 478, 2)`, landmarks in pixels of the drawing.
        height, width: of the drawing.

    Returns:
        uint8 `(height, width)`: 255 in and around eyes, 102 in brows and mouth, 0
        elsewhere, with soft edges.
    """
    importance = np.zeros((height, width), np.uint8)
    for points in faces:
        tall = face_height(points)
        face = np.zeros_like(importance)
        for feature in (*_BROWS, LIPS):
            hull = cv2.convexHull(np.round(points[list(feature)]).astype(np.int32))
            cv2.fillConvexPoly(face, hull, _FEATURE)
            thickness = max(1, round(2 * _MARGIN * tall))
            cv2.polylines(face, [hull], True, _FEATURE, thickness)
        for eye in _EYES:
            lids = points[list(eye)]
            radius = _EYE_RADIUS * np.linalg.norm(lids[8] - lids[0])
            centre = tuple(int(x) for x in np.round(lids.mean(axis=0)))
            cv2.circle(face, centre, max(1, round(radius)), _EYE, -1)
        soft = cv2.GaussianBlur(face, (0, 0), max(0.5, _SOFTNESS * tall))
        importance = np.maximum(importance, soft)
    return importance
