"""The networks that see faces, as LiteRT files in a folder that the user names.

None of them is part of this package; `tools/prepare.py networks` fetches them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError

_GLES = "https://raw.githubusercontent.com/terryky/tflite_gles_app"
MEDIAPIPE = "mediapipe==0.10.21"


@dataclass(frozen=True)
class NetworkFile:
    """A file that somebody else publishes.

    Attributes:
        name: of the file in the user's folder.
        sha256: of its content, 64 hexadecimal digits.
        licence: of the weights.
        source: its address, or its name inside the wheel `MEDIAPIPE`.
        shapes: those of its inputs, then of its outputs; none if it is no network.
    """

    name: str
    sha256: str
    licence: str
    source: str
    shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def in_wheel(self) -> bool:
        return self.source.startswith("mediapipe/")


DETECTION = NetworkFile(
    "face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    "Apache-2.0",
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    ((1, 128, 128, 3), (1, 896, 16), (1, 896, 1)),
)
MESH = NetworkFile(
    "face_landmark_468.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "Apache-2.0",
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    ((1, 192, 192, 3), (1, 1, 1, 1404), (1, 1, 1, 1)),
)
IRIS = NetworkFile(
    "iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "Apache-2.0",
    "mediapipe/modules/iris_landmark/iris_landmark.tflite",
    ((1, 64, 64, 3), (1, 213), (1, 15)),
)
PERSON = NetworkFile(
    "selfie_segmentation.tflite",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    "Apache-2.0",
    "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    ((1, 256, 256, 3), (1, 256, 256, 1)),
)
HAIR = NetworkFile(
    "hair_segmentation.tflite",
    "d2c940c4fd80edeaf38f5d7387d1b4235ee320ed120080df67c663e749e77633",
    "Apache-2.0",
    "https://storage.googleapis.com/mediapipe-assets/hair_segmentation.tflite",
    ((1, 512, 512, 4), (1, 512, 512, 2)),
)
PARTS = NetworkFile(
    "face_parsing_19_int8.tflite",
    "d0c1fc479bbd40084283043abf01d11a5c3a54b2ecc4bc812cde6f36989ad22a",
    "MIT; trained on CelebAMask-HQ, whose pictures are for research only",
    f"{_GLES}/417a68e5d7eb45b1819883176a939921fae81bf8/gl2face_segmentation/model/"
    "bisenetv2_celebamaskhq_448x448_integer_quant.tflite",
    ((1, 448, 448, 3), (448, 448)),
)
ANIME_CASCADE = NetworkFile(
    "lbpcascade_animeface.xml",
    "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30",
    "MIT",
    "https://raw.githubusercontent.com/nagadomi/lbpcascade_animeface/master/"
    "lbpcascade_animeface.xml",
)
FILES = (DETECTION, MESH, IRIS, PERSON, HAIR, PARTS, ANIME_CASCADE)


class Network:
    """A LiteRT file, ready to run on the CPU.

    Args:
        folder: Path that holds the file.
        file: which one.
        threads: of one run; 1 leaves the other cores to other pictures.

    Raises:
        InputError: the file is missing, damaged or of another network, or the package
            ai-edge-litert is missing.
    """

    def __init__(self, folder: Path, file: NetworkFile, threads: int = 1):
        path = existing(folder, file)
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise InputError(
                "The package ai-edge-litert must be installed to see faces, with "
                f'`pip install -e ".[litert]"`, received: {error}.'
            ) from error
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or ["no reason"])[0].rstrip(".")
            raise InputError(
                f"{path}: must be a LiteRT file, received: {reason}."
            ) from error
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        _check_shapes(path, file.shapes, self._inputs + self._outputs)
        self.size = file.shapes[0][1]

    def __call__(self, image) -> list:
        """What the network makes of one picture.

        Args:
            image: float32 `(size, size, channels)` in the network's own range.

        Returns:
            list of arrays, one an output, as the file has them.
        """
        self._interpreter.set_tensor(self._inputs[0]["index"], image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(one["index"]) for one in self._outputs]


def existing(folder: Path, file: NetworkFile) -> Path:
    """The path of a file in the user's folder.

    Raises:
        InputError: there is none.
    """
    path = Path(folder) / file.name
    if not path.is_file():
        raise InputError(
            f"{path}: a network must exist there, received none; "
            f"`python tools/prepare.py networks {folder}` fetches it."
        )
    return path


def _check_shapes(path, expected, details):
    shapes = tuple(tuple(map(int, one["shape"])) for one in details)
    if shapes != expected or details[0]["dtype"] != np.float32:
        raise InputError(
            f"{path}: must have float32 inputs and outputs of the shapes "
            f"{_listed(expected)}, received {details[0]['dtype'].__name__} and "
            f"{_listed(shapes)}."
        )


def _listed(shapes):
    return ", ".join(map(str, shapes))
