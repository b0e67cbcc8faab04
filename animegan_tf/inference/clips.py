"""A video into a stylized video: reads, stylizes and writes at once."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from animegan_tf.errors import InputError
from animegan_tf.imaging.flicker import TemporalSmoother
from animegan_tf.inference.files import AHEAD, begun
from animegan_tf.inference.stylizer import compare


@dataclass
class StylizedVideo:
    """What `stylize_video` made.

    Attributes:
        frames: int, the number of frames.
        undecoded: int, damaged packets of the source's video that gave no frame.
        left_out: list of str, codecs of the subtitles that the file cannot hold.
    """

    frames: int
    undecoded: int
    left_out: list


def stylize_video(
    stylize,
    source: Path,
    target: Path,
    side_by_side: bool = False,
    smooth: float = 0.0,
    crf: float = 18,
    partial: bool = False,
    progress=None,
) -> StylizedVideo:
    """Stylizes a video frame by frame, reading ahead and writing behind in threads.

    Every frame keeps its time; sound and subtitles are copied. Only a few frames are
    in memory. `VideoReader` and `video_writer` say what becomes of colours, rotation,
    odd sides, metadata and damage. The file has its name once it is complete.

    Args:
        stylize: callable, uint8 RGB (height, width, 3) to the same, of the same size or
            a smaller one: a `Stylizer`.
        source: video to stylize.
        target: .mp4, .m4v, .mov or .mkv to write; a file there is replaced.
        side_by_side: write what `compare` gives.
        smooth: strength of `TemporalSmoother`, from 0, none, to 1.
        crf: quality of the encoder, from 0, lossless, to 51.
        partial: take a source that breaks off, too, for what is there of it.
        progress: None, or a callable that is given the number of frames stylized and
            that of the source by its packets, after each frame.

    Returns:
        `StylizedVideo`.

    Raises:
        InputError: PyAV is missing, the source cannot be read, a frame of it not
            stylized, the target not written or not hold the source's sound, or a value
            is out of range.
    """
    from animegan_tf.imaging.video import VideoReader  # the extra `video`
    from animegan_tf.imaging.video_writer import video_writer

    smoother, written, number = TemporalSmoother(smooth), deque(), 0

    def finish(frame, picture):
        if smooth:
            picture = smoother(frame.image, picture)
        if side_by_side:
            picture = compare(frame.image, picture)
        writer.write(picture, frame)

    with VideoReader(source, partial) as reader, video_writer(
        target, reader, crf
    ) as writer:
        # One thread each: frames are read and written in order.
        with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
            for number, frame in enumerate(_frames(reading, reader), 1):
                try:
                    picture = stylize(frame.image)
                except InputError as error:
                    time = float(frame.pts * reader.time_base)
                    raise InputError(
                        f"{source}, frame {number} at {time:.2f} s: {error}"
                    ) from error
                written.append(writing.submit(finish, frame, picture))
                if len(written) > AHEAD:
                    written.popleft().result()
                if progress is not None:
                    progress(number, reader.frames)
            for outcome in written:
                outcome.result()
        return StylizedVideo(number, reader.undecoded, writer.left_out)


def _frames(pool, reader):
    """The frames of a video, a few of them read before their turn."""
    frames = iter(reader)
    for coming in begun(pool, lambda _: next(frames, None), count()):
        frame = coming.result()
        if frame is None:
            return
        yield frame
