"""Video files in and out: upright frames with their times, the sound copied.

PyAV comes with the extra `video` and is loaded when a file is opened.
"""

import os
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError
from animegan_tf.files import replacing
from animegan_tf.imaging.transform import resize

# By the names of files; what is in them decides how they are read.
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".wmv", ".flv"),
    *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".ogv"),
)
# By the names of files to write: FFmpeg's name of the format.
MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# FFmpeg also follows lists of other files and addresses, in files of any name. Only
# the readers behind VIDEO_SUFFIXES are ever tried, and only on the file itself.
_READING = {
    "format_whitelist": "mov,matroska,avi,asf,flv,mpeg,mpegts,ogg",
    "protocol_whitelist": "file",
}
# Numbers of ITU-T H.273.
_BT709, _UNKNOWN, _BT2020, _P3, _PQ, _HLG = 1, 2, 9, 12, 16, 18
# A header's length may be off by this many seconds in a file that is whole.
_TOLERANCE = 1.0


@dataclass
class Frame:
    """One frame of a video.

    Attributes:
        image: uint8 RGB (height, width, 3), upright.
        pts, duration: int, when it appears and for how long, in the `time_base` of
            its `VideoReader`.
        aspect: Fraction, width by height of a pixel.
        packets: what the other streams hold up to here, for `VideoWriter`.
    """

    image: np.ndarray
    pts: int
    duration: int
    aspect: Fraction
    packets: list


class VideoReader:
    """The frames of a video with their times, read one by one.

    To be used in a `with` statement and iterated once, for `Frame`s in the order in
    which they are shown. Rotation and mirroring are applied. Colours are brought to
    RGB by the matrix and range that the file names, else by BT.601 in small pictures
    and BT.709 in large ones; HDR and wide gamuts become BT.709, with all that is
    brighter than its white clipped. Interlaced fields stay as they are. Files whose
    clock starts later than 0 start at 0 here.

    What cannot be decoded inside a file is missing, and the frame before it lasts
    longer, as in a player.

    Args:
        path: a file of one of the kinds behind `VIDEO_SUFFIXES`; its content decides
            which one.
        partial: take a file that breaks off, too, for what is there of it.

    Attributes:
        frames: int, the number of frames by the file's packets, which is about right.
        even: bool, whether they follow each other at even intervals.
        time_base: Fraction, seconds; the unit of times.
        rate: Fraction, frames a second on average.
        copied: the streams whose packets come with the frames: sound and subtitles.
        undecoded: int, packets so far that should have been frames and were none.

    Raises:
        InputError: PyAV is missing; the file is of no known kind, has no video, breaks
            off or, when it is iterated, has no frame.
    """

    def __init__(self, path: Path, partial: bool = False):
        self.path, self._partial, self.undecoded = Path(path), partial, 0
        self.frames, self.even, end = _survey(self.path)
        if end is not None and not partial:
            raise InputError(
                f"{path}: must be a whole video, received one that breaks off or is "
                f"damaged after {float(end):.1f} s."
            )
        self._container = _open(self.path)
        self._video = _video_stream(self._container, self.path)
        self._video.thread_type = "AUTO"
        self.time_base = self._video.time_base
        self.rate = Fraction(self._video.average_rate or self._video.guessed_rate or 25)
        self.copied = [
            stream
            for stream in self._container.streams
            if stream.type in ("audio", "subtitle")
        ]
        module = _av().video.reformatter
        self._reformatter = module.VideoReformatter()
        # FFmpeg's defaults are for speed: half of the rows get no colours of their
        # own, and all is a level too dark.
        exact = module.Interpolation.BICUBIC | module.Interpolation.ACCURATE_RND
        exact |= module.Interpolation.FULL_CHR_H_INT
        self._exact = exact | module.Interpolation.FULL_CHR_H_INP
        self._step = max(1, round(1 / self.rate / self.time_base))
        # AVI has no times but those of decoding.
        self._order = deque() if self._container.format.name == "avi" else None
        self._last = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._container.close()

    def __iter__(self):
        # A frame lasts until the next one, whatever its packet says.
        waiting, packets = None, []
        for packet in self._packets():
            if packet.stream is not self._video:
                packets.append(self._from_start(packet))
                continue
            for frame in self._decoded(packet):
                pts = self._time_of(frame)
                if waiting is not None:
                    yield self._finished(*waiting, pts - waiting[1], packets)
                    packets = []
                waiting = frame, pts
        if waiting is None:
            raise InputError(
                f"{self.path}: must hold frames that can be decoded, received none."
            )
        yield self._finished(*waiting, waiting[0].duration or self._step, packets)

    def _packets(self):
        """All that have content, and the empty one that ends the video."""
        try:
            for packet in self._container.demux(self._video, *self.copied):
                if packet.size or packet.stream is self._video:
                    yield packet
        except _av().FFmpegError as error:
            if not self._partial:
                raise _unreadable(self.path, error) from error
            end = _av().Packet()
            end.stream, end.time_base = self._video, self.time_base
            yield end

    def _decoded(self, packet):
        if self._order is not None and packet.size:
            self._order.append(packet.dts)
        try:
            return packet.decode()
        except _av().FFmpegError:
            self.undecoded += 1
            return []

    def _time_of(self, frame):
        """When a frame is shown; in any case later than the one before it."""
        pts = frame.dts if frame.pts is None else frame.pts
        if self._order:
            pts = self._order.popleft()
        if pts is not None:
            pts -= self._start(self.time_base)
        elif self._last is not None:
            pts = self._last + self._step
        if self._last is not None:
            pts = max(pts, self._last + 1)
        self._last = pts or 0
        return self._last

    def _from_start(self, packet):
        start = self._start(packet.time_base)
        if packet.pts is not None:
            packet.pts -= start
        if packet.dts is not None:
            packet.dts -= start
        return packet

    def _start(self, time_base):
        start = max(0, self._container.start_time or 0)
        return round(Fraction(start, _av().time_base) / time_base)

    def _finished(self, frame, pts, duration, packets):
        matrix = _display_matrix(frame)
        aspect = Fraction(self._video.sample_aspect_ratio or 1)
        if _swaps_sides(matrix):
            aspect = 1 / aspect
        image = _upright(self._rgb(frame), matrix)
        return Frame(image, pts, duration, aspect, packets)

    def _rgb(self, frame):
        wanted = {}
        if frame.colorspace == _UNKNOWN and not frame.format.is_rgb:
            large = frame.width >= 1280 or frame.height > 576
            wanted["src_colorspace"] = "ITU709" if large else "ITU601"
        if frame.color_trc in (_PQ, _HLG):
            wanted["dst_color_trc"] = _BT709
        if frame.color_primaries in (_BT2020, _P3):
            wanted["dst_color_primaries"] = _BT709
        try:
            rgb = self._reformatter.reformat(
                frame, format="rgb24", interpolation=self._exact, threads=1, **wanted
            )
        except _av().FFmpegError as error:
            raise InputError(
                f"{self.path}: its colours must be of a kind that FFmpeg converts to "
                f"RGB, received matrix {frame.colorspace} of ITU-T H.273."
            ) from error
        return rgb.to_ndarray()


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
        with _muxing(path):
            container = _av().open(
                os.path.abspath(temporary), "w", format=MUXERS[path.suffix.lower()]
            )
        try:
            writer = VideoWriter(path, container, reader, crf)
            yield writer
            writer.finish()
        finally:
            with suppress(_av().FFmpegError):
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
        self._streams, self.left_out = self._add_copied()

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
                self._copy(packet)
            self._container.mux(self._video.encode(self._encodable(picture, frame)))

    def finish(self) -> None:
        """Writes what the encoder holds back, and the file's index."""
        with _muxing(self._path):
            self._container.mux(self._video.encode(None))
            self._container.close()

    def _add_video(self, crf):
        av, reader = _av(), self._reader
        options = {"crf": str(crf)}
        if not reader.even:
            # MP4 measures in the order of decoding: with frames that wait for later
            # ones, uneven intervals would change its length.
            options["bf"] = "0"
        try:
            video = self._container.add_stream(
                "libx264", reader.rate, options, time_base=reader.time_base
            )
        except av.codec.codec.UnknownCodecError as error:
            raise InputError(
                "PyAV's FFmpeg must have the encoder libx264, as that of PyPI has, "
                "received one without."
            ) from error
        video.pix_fmt, video.thread_type = "yuv420p", "AUTO"
        context = video.codec_context
        context.flags |= av.codec.context.Flags.frame_duration
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = av.video.reformatter.ColorRange.MPEG
        return video

    def _add_copied(self):
        """{number in the source: stream}, and the codecs of what cannot be held."""
        streams, left_out = {}, []
        for source in self._reader.copied:
            try:
                stream = self._container.add_stream_from_template(source)
            except ValueError as error:
                if source.type == "audio":
                    raise self._cannot_hold(source) from error
                left_out.append(_codec(source))
                continue
            if source.language:
                stream.metadata["language"] = source.language
            stream.disposition = source.disposition
            streams[source.index] = stream
        return streams, left_out

    def _begin(self, size, aspect):
        self._size = size
        self._video.height, self._video.width = (side + side % 2 for side in size)
        self._video.codec_context.sample_aspect_ratio = aspect
        self._graph = _to_yuv(self._video.height, self._video.width)
        try:
            self._container.start_encoding()
        except _av().error.ArgumentError as error:
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

    def _copy(self, packet):
        stream = self._streams.get(packet.stream.index)
        if stream is not None:
            packet.stream = stream
            self._container.mux(packet)

    def _encodable(self, picture, frame):
        height, width = self._size
        if picture.shape[:2] != self._size:
            picture = _fitted(picture, height, width)
        odd = [(0, height % 2), (0, width % 2), (0, 0)]
        picture = np.pad(picture, odd, mode="edge")
        self._graph.push(_av().VideoFrame.from_ndarray(picture, "rgb24"))
        encodable = self._graph.pull()
        encodable.pts, encodable.duration = frame.pts, frame.duration
        encodable.time_base = self._reader.time_base
        return encodable


def painted_suffix(path: Path) -> str:
    """Suffix of a painted video in a folder, by the name of its source.

    Args:
        path: a video.

    Returns:
        str: the source's own where `video_writer` takes it, else one that holds the
        sound that is usual there.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".3gp":
        return ".mov"  # holds AMR, the sound of old phones, as .mkv does not
    return suffix if suffix in MUXERS else ".mkv"


def _av():
    try:
        import av
    except ImportError as error:
        raise InputError(
            "The package av must be installed for videos, with "
            f'`pip install -e ".[video]"`, received: {error}.'
        ) from error
    return av


def _open(path):
    av, options = _av(), {}
    if int(av.__version__.split(".")[0]) < 19:
        # Titles may be in any encoding; later releases never fail on one.
        options["metadata_errors"] = "replace"
    try:
        # Absolute, since FFmpeg takes "a:b" for an address.
        return av.open(os.path.abspath(path), options=_READING, **options)
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def _codec(stream):
    return stream.codec_context.name if stream.codec_context else "an unknown codec"


def _unreadable(path, error):
    return InputError(
        f"{path}: must be a readable video of a known kind, received: {error.strerror}."
    )


@contextmanager
def _muxing(path):
    try:
        yield
    except _av().FFmpegError as error:
        raise InputError(
            f"{path}: the video must be writable there, received: {error.strerror}."
        ) from error


def _video_stream(container, path):
    for stream in container.streams.video:
        # The cover in a file of music is a video of one frame.
        if stream.disposition & stream.disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise InputError(
                f"{path}: PyAV's FFmpeg must be able to decode its video, received "
                "a codec that it cannot."
            )
        return stream
    kinds = " and ".join(sorted({stream.type for stream in container.streams}))
    received = f"{kinds} only" if kinds else "nothing in it"
    raise InputError(f"{path}: must hold a video, received {received}.")


def _survey(path):
    """Number of frames, whether at even intervals, and the end in seconds if cut.

    Reads the file once without decoding it. Else one would learn only after hours of
    painting that its end is missing.
    """
    with _open(path) as container:
        video = _video_stream(container, path)
        # Broadcasts come with small faults; elsewhere they mean a damaged file.
        strict = container.format.name != "mpegts"
        times, end, whole = [], 0, True
        try:
            for packet in container.demux():
                if not packet.size:
                    continue
                if packet.stream is video and not packet.is_discard:
                    times.append(packet.dts if packet.pts is None else packet.pts)
                whole = whole and not (strict and packet.is_corrupt)
                end = max(end, _end_of(packet))
        except _av().FFmpegError:
            whole = False
        end -= Fraction(container.start_time or 0, _av().time_base)
        whole = whole and end > _promised(container, video) - _TOLERANCE
    return len(times), _are_even(times), None if whole else max(0, end)


def _to_yuv(height, width):
    """A graph of FFmpeg's filters that converts RGB at full precision.

    Chroma lies on the left one of two columns, where players of H.264 look for it.
    """
    graph = _av().filter.Graph()
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


def _end_of(packet):
    time = packet.dts if packet.pts is None else packet.pts
    return 0 if time is None else (time + (packet.duration or 0)) * packet.time_base


def _promised(container, video):
    """Seconds that a file lasts by its header."""
    if container.format.name == "avi" and video.average_rate:
        return video.frames / video.average_rate
    return Fraction(container.duration or 0, _av().time_base)


def _are_even(times):
    """Whether no frame lasts much longer than usual; rounded times do not matter."""
    times = np.sort([time for time in times if time is not None])
    gaps = np.diff(times)
    return gaps.size == 0 or gaps.max() <= 1.5 * np.median(gaps)


def _display_matrix(frame):
    """(a, b, c, d) that take a point (x, y) of a frame to (ax + cy, bx + dy)."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    return tuple(np.frombuffer(bytes(data), np.int32)[[0, 1, 3, 4]].tolist())


def _swaps_sides(matrix):
    return abs(matrix[1]) > abs(matrix[0])


def _upright(image, matrix):
    a, b, c, d = matrix
    right, down = a, d
    if _swaps_sides(matrix):
        image, right, down = image.transpose(1, 0, 2), c, b
    image = image[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]
    return np.ascontiguousarray(image)


def _fitted(picture, height, width):
    """A picture in the middle of a black one, as large as it can be."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inner = resize(
        picture,
        max(1, round(picture.shape[1] * scale)),
        max(1, round(picture.shape[0] * scale)),
    )
    fitted = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    fitted[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return fitted
