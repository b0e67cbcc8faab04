"""What painting does to a video: its length, its sound, its flicker."""

import tempfile
import time
from fractions import Fraction
from pathlib import Path

WIDTH, HEIGHT, RATE, SOUND_RATE = 640, 360, 25, 48000
SENSOR_NOISE = 3.0


def measure_video(args):
    """Paints a clip; compares what came out with what went in."""
    from animegan_tf.inference import Stylizer, stylize_video
    from animegan_tf.models import build_generator

    stylizer = Stylizer(args.generator or build_generator())
    with tempfile.TemporaryDirectory() as folder:
        source, folder = args.video, Path(folder)
        if source is None:
            source = folder / "source.mp4"
            write_clip(source, args.seconds)
        start = time.perf_counter()
        stylize_video(stylizer, source, folder / "painted.mp4")
        seconds = time.perf_counter() - start
        stylize_video(lambda photo: photo, source, folder / "encoded.mp4")
        figures = {
            "source": contents(source),
            "painted": contents(folder / "painted.mp4"),
            "seconds": seconds,
            "encoding": difference(source, folder / "encoded.mp4"),
            "flicker": flicker_by_strength(stylizer, source, args),
        }
    print_figures(figures)
    return figures


def write_clip(path, seconds):
    """A drawn portrait, still on the left, drifting on the right, a noisy sensor."""
    import av
    import numpy as np

    from animegan_tf.samples import draw_photo, random_portrait

    rng = np.random.default_rng(0)
    still, moving = (draw_photo(random_portrait(i), HEIGHT) for i in (0, 1))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", SOUND_RATE)
        for number in range(seconds * RATE):
            drifted = np.roll(moving, 2 * number, axis=1)
            image = np.concatenate([still, drifted], axis=1)[:, :WIDTH]
            image = image + rng.normal(0, SENSOR_NOISE, image.shape)
            image = image.clip(0, 255).astype(np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(video.encode(None))
        times = np.arange(seconds * SOUND_RATE) / SOUND_RATE
        tone = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
        for start in range(0, len(tone), audio.codec_context.frame_size):
            part = tone[None, start : start + audio.codec_context.frame_size]
            frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
            frame.rate, frame.pts = SOUND_RATE, start
            frame.time_base = Fraction(1, SOUND_RATE)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def contents(path):
    """Seconds, number of frames, and packets and bytes of sound of a video."""
    import av

    with av.open(str(path)) as container:
        sizes = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.size and packet.stream.type in sizes:
                sizes[packet.stream.type].append(packet.size)
        return {
            "seconds": container.duration / av.time_base,
            "frames": len(sizes["video"]),
            "sound_packets": len(sizes["audio"]),
            "sound_bytes": sum(sizes["audio"]),
        }


def frames(path):
    from animegan_tf.imaging.video import VideoReader

    with VideoReader(path) as reader:
        for frame in reader:
            yield frame.image


def difference(a, b):
    """Mean difference of the frames of two videos, and the shift of each channel."""
    import numpy as np

    differences = [
        x.astype(np.int16) - y for x, y in zip(frames(a), frames(b), strict=True)
    ]
    return {
        "levels": float(np.mean([np.abs(d).mean() for d in differences])),
        "shift": np.mean([d.mean((0, 1)) for d in differences], 0).tolist(),
    }


def flicker_by_strength(stylizer, source, args):
    """Flicker of the first frames, smoothed or not."""
    from itertools import islice

    from animegan_tf.imaging.flicker import TemporalSmoother, flicker

    photos = list(islice(frames(source), args.pictures))
    pictures = [stylizer(photo) for photo in photos]
    found = {}
    for strength in (0.0, *args.smooth):
        smoother = TemporalSmoother(strength)
        smoothed = [smoother(*pair) for pair in zip(photos, pictures)]
        found[strength] = float(flicker(photos, smoothed))
    return found


def print_figures(figures):
    for name in ("source", "painted"):
        found = figures[name]
        print(
            f"{name:<8} {found['seconds']:.3f} s, {found['frames']} frames, "
            f"{found['sound_bytes']} bytes of sound in {found['sound_packets']} packets"
        )
    print(f"painted in {figures['seconds']:.0f} s")
    encoding = figures["encoding"]
    shift = max(map(abs, encoding["shift"]))
    print(
        f"only encoded: frames differ by {encoding['levels']:.2f} levels, "
        f"channels are shifted by {shift:.2f} at most"
    )
    for strength, value in figures["flicker"].items():
        print(f"flicker with --smooth {strength}: {value:.2f} levels")
