"""Where a drawn face must be right: its eyes first, then brows and mouth."""

import cv2
import numpy as np

# Of MediaPipe's face mesh, 478 points with the irises.
LANDMARKS = 478
FOREHEAD, CHIN, SIDES = 10, 152, (234, 454)
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
_BROWS = (
    (70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    (300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
)
_MOUTH = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    *(409, 270, 269, 267, 0, 37, 39, 40, 185),
)
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
        for feature in (*_BROWS, _MOUTH):
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
