"""Video files out: H.264 of pictures, with the sound of the video they were made of."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange
from PIL import Image, ImageOps

from animegan_tf.errors import InputError
from animegan_tf.files import replacing
from animegan_tf.imaging.video import BT709, Frame, VideoReader

# By the names of files to write: FFmpeg's name of the format.
MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


@contextmanager
def video_writer(path: Path, reader: VideoReader, crf: float = 18):
    """Writes a video that is complete or not there: H.264, and the other streams.

    The file gets its name when the block has succeeded; if it fails, nothing is left.
    Colours are BT.709 and tagged so. Sound and subtitles are copied as they are, with
    their languages. Chapters, titles, places and the camera's data are not copied.

    Args:
        path: destination, .mp4, .m4v, .mov or .mkv; a file there is replaced. Matroska
            holds most kinds of sound, but times in milliseconds only.
        reader: `VideoReader` of the source, open.
        crf: quality of the encoder x264, from 0, lossless, to 51; at 18 the loss is
            hard to see.

    Yields:
        `VideoWriter`.

    Raises:
        InputError: the suffix or `crf` is none of these, the file cannot hold the
            source's sound or be written, or PyAV's FFmpeg lacks x264.
    """
    path = Path(path)
    if path.suffix.lower() not in MUXERS:
        raise InputError(
            f"{path}: a painted video's name must end in one of {', '.join(MUXERS)}, "
            f"received {path.suffix!r}."
        )
    if not 0 <= crf <= 51:
        raise InputError(f"crf must be between 0 and 51, received {crf}.")
    with replacing(path) as temporary:
        muxer = MUXERS[path.suffix.lower()]
        with _muxing(path):
            container = av.open(os.path.abspath(temporary), "w", format=muxer)
        try:
            writer = VideoWriter(path, container, reader, crf)
            yield writer
            writer.finish()
        finally:
            with suppress(av.FFmpegError):
                container.close()


class VideoWriter:
    """What `video_writer` yields.

    Attributes:
        left_out: codecs of the subtitles that such a file cannot hold.
    """

    def __init__(self, path, container, reader, crf):
        self._path, self._container, self._reader = path, container, reader
        self._size = self._graph = None
        self._video = self._add_video(crf)
        self._streams, self.left_out = {}, []
        for source in reader.copied:
            self._add_copied(source)

    def write(self, picture, frame: Frame) -> None:
        """Adds a picture in a frame's place, and the packets that come with it.

        The first one's size is that of the video; an odd side gets its last row or
        column twice, since sides are even in H.264. A picture of another size, as some
        videos change theirs, is fitted into it on black.

        Args:
            picture: uint8 RGB (height, width, 3).
            frame: `Frame` of the source; its image is not used.

        Raises:
            InputError: the file cannot be written.
        """
        with _muxing(self._path):
            if self._size is None:
                self._begin(picture.shape[:2], frame.aspect)
            for packet in frame.packets:
                if packet.stream.index in self._streams:
                    packet.stream = self._streams[packet.stream.index]
                    self._container.mux(packet)
            self._container.mux(self._video.encode(self._encodable(picture, frame)))

    def finish(self) -> None:
        """Writes what the encoder holds back, and the file's index."""
        with _muxing(self._path):
            self._container.mux(self._video.encode(None))
            self._container.close()

    def _add_video(self, crf):
        options = {"crf": str(crf)}
        if not self._reader.even:
            # MP4 measures in the order of decoding: with frames that wait for later
            # ones, uneven intervals would change its length.
            options["bf"] = "0"
        rate, time_base = self._reader.rate, self._reader.time_base
        try:
            video = self._container.add_stream(
                "libx264", rate, options, time_base=time_base
            )
        except av.codec.codec.UnknownCodecError as error:
            raise InputError(
                "PyAV's FFmpeg must have the encoder libx264, as that of PyPI has, "
                "received one without."
            ) from error
        video.pix_fmt, video.thread_type = "yuv420p", "AUTO"
        context = video.codec_context
        context.flags |= av.codec.context.Flags.frame_duration
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = ColorRange.MPEG
        return video

    def _add_copied(self, source):
        try:
            stream = self._container.add_stream_from_template(source)
        except ValueError as error:
            if source.type == "audio":
                raise self._cannot_hold(source) from error
            self.left_out.append(_codec(source))
            return
        if source.language:
            stream.metadata["language"] = source.language
        stream.disposition = source.disposition
        self._streams[source.index] = stream

    def _begin(self, size, aspect):
        self._size = size
        self._video.height, self._video.width = (side + side % 2 for side in size)
        self._video.codec_context.sample_aspect_ratio = aspect
        self._graph = _to_yuv(self._video.height, self._video.width)
        try:
            self._container.start_encoding()
        except av.error.ArgumentError as error:
            # Some kinds of files refuse a codec only here.
            if self._streams:
                raise self._cannot_hold(*self._reader.copied) from error
            raise

    def _cannot_hold(self, *streams):
        suffix, codecs = self._path.suffix, ", ".join(map(_codec, streams))
        other = ".mov" if suffix.lower() == ".mkv" else ".mkv"
        return InputError(
            f"{self._path}: a {suffix} file must be able to hold the sound of "
            f"{self._reader.path}, received {codecs}; a {other} file may be able to."
        )

    def _encodable(self, picture, frame):
        height, width = self._size
        if picture.shape[:2] != self._size:
            picture = ImageOps.pad(Image.fromarray(picture), (width, height))
        odd = [(0, height % 2), (0, width % 2), (0, 0)]
        picture = np.pad(picture, odd, mode="edge")
        self._graph.push(av.VideoFrame.from_ndarray(picture, "rgb24"))
        encodable = self._graph.pull()
        encodable.pts, encodable.duration = frame.pts, frame.duration
        encodable.time_base = self._reader.time_base
        return encodable


@contextmanager
def _muxing(path):
    try:
        yield
    except av.FFmpegError as error:
        raise InputError(
            f"{path}: the video must be writable there, received: {error.strerror}."
        ) from error


def _codec(stream):
    return stream.codec_context.name if stream.codec_context else "an unknown codec"


def _to_yuv(height, width):
    """A graph of FFmpeg's filters that converts RGB at full precision.

    Chroma lies on the left one of two columns, where players of H.264 look for it.
    """
    graph = av.filter.Graph()
    filters = (
        graph.add_buffer(width=width, height=height, format="rgb24", time_base=1),
        graph.add(
            "scale",
            "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:"
            "out_color_matrix=bt709:out_range=tv:out_chroma_loc=left",
        ),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    )
    graph.link_nodes(*filters).configure()
    return graph
