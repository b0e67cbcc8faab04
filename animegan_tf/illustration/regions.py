"""Landmarks by what they outline, as drawing needs them; see `imaging.landmarks`.

Left and right are the viewer's, of an upright face.
"""

from animegan_tf.imaging import landmarks
from animegan_tf.imaging.landmarks import (
    CHEEKS,
    FACE_OVAL,
    JAW,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    LIPS,
    LOWER_LIP,
    NOSE,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    UPPER_LIP,
)

EYES = (list(LEFT_EYE), list(RIGHT_EYE))
IRISES = (list(LEFT_IRIS), list(RIGHT_IRIS))
# Upper and lower edge, from the outer end to the inner.
BROWS = tuple((list(upper), list(lower)) for upper, lower in (LEFT_BROW, RIGHT_BROW))
OVAL, LIPS, NOSE, CHEEKS = list(FACE_OVAL), list(LIPS), list(NOSE), list(CHEEKS)
# The inner edges, from the left corner to the right one.
UPPER_LIP, LOWER_LIP = list(UPPER_LIP), list(LOWER_LIP)
CHIN_LINE = list(JAW)
# From ear to ear.
JAW_LINE = [127, 234, 93, 132, 58, *JAW, 288, 361, 323, 454, 356]
FOREHEAD, CHIN = landmarks.FOREHEAD, landmarks.CHIN
LIP_MIDDLES = (13, 14)
LIP_BOTTOM = [84, 17, 314]
NOSE_TIP, NOSE_BASE, NOSE_BRIDGE = 1, 2, 168
NOSE_RIDGE = [197, 195, 5, 4, 1]
WHOLE_NOSE = [168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 48, 278]
NOSE_HOLES = [98, 2, 327, 1]
SIDES, TEMPLES = (234, 454), (127, 356)
BLUSH = (205, 425)
# Places in an eye's outline, which runs from the outer corner over the lower lid.
OUTER, INNER, LOWER, UPPER = 0, 8, slice(0, 9), [8, 9, 10, 11, 12, 13, 14, 15, 0]
LID_LOW, LID_HIGH = 4, 12
# What folds are not looked for in.
FEATURES = (
    *EYES,
    *(upper + lower[::-1] for upper, lower in BROWS),
    LIPS,
    [*NOSE, 48, 278, 6],
)
