"""The preparation of data sets: smoothing and alignment."""

import json

from benchmarks.timing import median_seconds


def smoothed_pixel_by_pixel(image):
    """`imaging.smoothing.edge_smooth` as a loop over the pixels in Python."""
    import cv2
    import numpy as np

    edges = cv2.Canny(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 100, 200)
    contours = cv2.dilate(edges, np.ones((5, 5), np.uint8))
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), "reflect")
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[..., None] / 256
    result = image.copy()
    for y, x in zip(*np.nonzero(contours)):
        result[y, x] = np.round((padded[y : y + 5, x : x + 5] * kernel).sum((0, 1)))
    return result


def measure_smoothing(args):
    """Edge smoothing of drawn anime pictures, in arrays and in a loop."""
    import numpy as np

    from animegan_tf.imaging.smoothing import edge_smooth
    from animegan_tf.samples import draw_anime, random_portrait

    pictures = [draw_anime(random_portrait(i), args.image_size) for i in range(8)]
    ways = {"edge_smooth": edge_smooth, "pixel by pixel": smoothed_pixel_by_pixel}
    seconds = {
        name: median_seconds(lambda: [way(p) for p in pictures], args.repeats)
        / len(pictures)
        for name, way in ways.items()
    }
    difference = max(
        np.abs(edge_smooth(p).astype(int) - smoothed_pixel_by_pixel(p)).max()
        for p in pictures
    )
    ratio = seconds["pixel by pixel"] / seconds["edge_smooth"]
    print(f"{args.image_size} px, {len(pictures)} drawn pictures\n")
    for name, value in seconds.items():
        print(f"{name:<15} {1000 * value:9.2f} ms a picture")
    print(f"ratio {ratio:.0f}, largest difference {difference} grey levels")
    return {"seconds": seconds, "ratio": ratio, "difference": int(difference)}


def measure_alignment(args):
    """How many photos a face was found in, and where aligned eyes are found again."""
    import numpy as np
    from tqdm import tqdm

    from animegan_tf.errors import InputError
    from animegan_tf.imaging.alignment import canonical_landmarks
    from animegan_tf.imaging.codec import read_image
    from animegan_tf.imaging.faces import FaceDetector

    manifest = args.dataset / "prepare" / "photos" / "manifest.jsonl"
    if not manifest.is_file():
        raise InputError(f"{manifest}: tools/prepare.py photos must have written it")
    first, *groups = map(json.loads, manifest.read_text().splitlines())
    size, margin = first["settings"]["size"], first["settings"]["margin"]
    found = sum(group[0]["face"] is not None for group in groups)
    kept = [r for group in groups for r in group if r["decision"] == "kept"]
    detector, canonical = FaceDetector(), canonical_landmarks(size, margin)
    eyes = []
    for record in tqdm(kept, unit="picture"):
        faces = detector(read_image(args.dataset / record["folder"] / record["name"]))
        if faces:
            eyes.append((np.array(faces[0].landmarks) - canonical)[:2] * 256 / size)
    mean, deviation = np.mean(eyes, axis=0), np.std(eyes, axis=0)
    print(f"a face in {found} of {len(groups)} sources ({found / len(groups):.2%})")
    print(f"found again in {len(eyes)} of {len(kept)} aligned pictures")
    print("pixels at 256 px  mean x  mean y  deviation x  deviation y")
    for name, offset, spread in zip(("left eye", "right eye"), mean, deviation):
        print(
            f"{name:<16} {offset[0]:7.2f} {offset[1]:7.2f} "
            f"{spread[0]:12.2f} {spread[1]:12.2f}"
        )
    figures = {"mean": mean.tolist(), "deviation": deviation.tolist()}
    return {"sources": len(groups), "found": found, "again": len(eyes), **figures}
