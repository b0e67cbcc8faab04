"""Face parts, hair and person lie where the landmarks have the face."""

import numpy as np
import pytest
from helpers import shared

from animegan_tf.files import list_images
from animegan_tf.imaging import landmarks
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.parsing import (
    FACE_PARTS,
    HairSegmenter,
    Part,
    PartsParser,
    PersonSegmenter,
)


@pytest.fixture(scope="module")
def seen():
    """A photo, its mesh and the folder of networks."""
    networks = shared("weights")
    image = read_image(list_images(shared("data/photo/test"))[40])
    return image, landmarks.LandmarkDetector(networks)(image)[0], networks


def at(mask, mesh, *points):
    x, y = mesh.points[list(points)].mean(0).round().astype(int)
    return mask[y, x]


def test_parts_are_shares_at_the_photos_size(seen):
    image, mesh, networks = seen
    parts = PartsParser(networks)(image, mesh)
    np.testing.assert_allclose(parts.shares.sum(0), 1, atol=1e-5)
    assert parts.mask(*Part).shape == image.shape[:2]
    assert at(parts.mask(Part.NOSE), mesh, 4) > 0.9
    assert at(parts.mask(*FACE_PARTS), mesh, *landmarks.CHEEKS[:5]) > 0.9
    assert at(parts.mask(Part.UPPER_LIP, Part.LOWER_LIP), mesh, 0, 13) > 0.5


def test_a_mirrored_photo_has_mirrored_parts(seen):
    image, mesh, networks = seen
    parser = PartsParser(networks)
    face = parser(image, mesh).mask(*FACE_PARTS)
    flipped = np.ascontiguousarray(image[:, ::-1])
    other = landmarks.LandmarkDetector(networks)(flipped)[0]
    mirrored = parser(flipped, other).mask(*FACE_PARTS)[:, ::-1]
    assert np.minimum(face, mirrored).sum() > 0.97 * np.maximum(face, mirrored).sum()


def test_hair_lies_above_the_face_and_not_in_it(seen):
    image, mesh, networks = seen
    hair = HairSegmenter(networks)(image, mesh)
    assert hair.shape == image.shape[:2] and 0 <= hair.min() <= hair.max() <= 1
    assert at(hair, mesh, *landmarks.NOSE) < 0.1
    parsed = PartsParser(networks)(image, mesh).mask(Part.HAIR)
    assert np.minimum(hair, parsed).sum() > 0.6 * np.maximum(hair, parsed).sum()


def test_the_person_holds_the_face_also_when_small(seen):
    image, mesh, networks = seen
    segmenter = PersonSegmenter(networks)
    assert at(segmenter(image), mesh, *landmarks.NOSE) > 0.9
    scene = np.full((1600, 1600, 3), 90, np.uint8)
    scene[600 : 600 + len(image), 600 : 600 + image.shape[1]] = image
    meshes = landmarks.LandmarkDetector(networks)(scene)
    person = segmenter(scene, meshes)
    assert at(person, meshes[0], *landmarks.NOSE) > 0.9
    assert person[:500].max() < 0.5
