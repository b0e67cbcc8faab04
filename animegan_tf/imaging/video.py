"""Video files in: upright frames with their times, and the sound as it is.

Importing it needs PyAV, which comes with the extra `video`.
"""

import os
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from animegan_tf.errors import InputError

try:
    import av
    from av.video.reformatter import Interpolation, VideoReformatter
except ImportError as missing:
    raise InputError(
        "The package av must be installed for videos, with "
        f'`pip install -e ".[video]"`, received: {missing}.'
    ) from missing

# FFmpeg also follows lists of other files and addresses, in files of any name. Only
# the readers behind `files.VIDEO_SUFFIXES` are ever tried, and on the file itself.
_READING = {
    "format_whitelist": "mov,matroska,avi,asf,flv,mpeg,mpegts,ogg",
    "protocol_whitelist": "file",
}
# FFmpeg's defaults are for speed: half of the rows get no colours of their own, and
# all is a level too dark.
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
_EXACT |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
# Numbers of ITU-T H.273.
BT709, _UNKNOWN, _BT2020, _P3, _PQ, _HLG = 1, 2, 9, 12, 16, 18
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
        path: a file of one of the kinds behind `files.VIDEO_SUFFIXES`; its content
            decides which one.
        partial: take a file that breaks off, too, for what is there of it.

    Attributes:
        frames: int, the number of frames by the file's packets, which is about right.
        even: bool, whether they follow each other at even intervals.
        time_base: Fraction, seconds; the unit of times.
        rate: Fraction, frames a second on average.
        copied: the streams whose packets come with the frames: sound and subtitles.
        undecoded: int, packets so far that should have been frames and were none.

    Raises:
        InputError: the file is of no known kind, has no video, breaks off or, when it
            is iterated, has no frame.
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
        self._video = video = _video_stream(self._container, self.path)
        video.thread_type = "AUTO"
        self.time_base = video.time_base
        self.rate = Fraction(video.average_rate or video.guessed_rate or 25)
        streams = self._container.streams
        self.copied = [s for s in streams if s.type in ("audio", "subtitle")]
        self._start = Fraction(max(0, self._container.start_time or 0), av.time_base)
        self._step = max(1, round(1 / self.rate / self.time_base))
        self._reformatter = VideoReformatter()
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
        except av.FFmpegError as error:
            if not self._partial:
                raise _unreadable(self.path, error) from error
            end = av.Packet()
            end.stream, end.time_base = self._video, self.time_base
            yield end

    def _decoded(self, packet):
        if self._order is not None and packet.size:
            self._order.append(packet.dts)
        try:
            return packet.decode()
        except av.FFmpegError:
            self.undecoded += 1
            return []

    def _time_of(self, frame):
        """When a frame is shown; in any case later than the one before it."""
        pts = frame.dts if frame.pts is None else frame.pts
        if self._order:
            pts = self._order.popleft()
        if pts is not None:
            pts -= round(self._start / self.time_base)
        elif self._last is not None:
            pts = self._last + self._step
        if self._last is not None:
            pts = max(pts, self._last + 1)
        self._last = pts or 0
        return self._last

    def _from_start(self, packet):
        start = round(self._start / packet.time_base)
        if packet.pts is not None:
            packet.pts -= start
        if packet.dts is not None:
            packet.dts -= start
        return packet

    def _finished(self, frame, pts, duration, packets):
        image, turned = _upright(self._rgb(frame), frame)
        aspect = Fraction(self._video.sample_aspect_ratio or 1)
        return Frame(image, pts, duration, 1 / aspect if turned else aspect, packets)

    def _rgb(self, frame):
        wanted = {}
        if frame.colorspace == _UNKNOWN and not frame.format.is_rgb:
            large = frame.width >= 1280 or frame.height > 576
            wanted["src_colorspace"] = "ITU709" if large else "ITU601"
        if frame.color_trc in (_PQ, _HLG):
            wanted["dst_color_trc"] = BT709
        if frame.color_primaries in (_BT2020, _P3):
            wanted["dst_color_primaries"] = BT709
        try:
            rgb = self._reformatter.reformat(
                frame, format="rgb24", interpolation=_EXACT, threads=1, **wanted
            )
        except av.FFmpegError as error:
            raise InputError(
                f"{self.path}: its colours must be of a kind that FFmpeg converts to "
                f"RGB, received matrix {frame.colorspace} of ITU-T H.273."
            ) from error
        return rgb.to_ndarray()


def _open(path):
    options = {}
    if int(av.__version__.split(".")[0]) < 19:
        # Titles may be in any encoding; later releases never fail on one.
        options["metadata_errors"] = "replace"
    try:
        # Absolute, since FFmpeg takes "a:b" for an address.
        return av.open(os.path.abspath(path), options=_READING, **options)
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    return InputError(
        f"{path}: must be a readable video of a known kind, received: {error.strerror}."
    )


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
    work that its end is missing.
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
                time = packet.dts if packet.pts is None else packet.pts
                if packet.stream is video and not packet.is_discard:
                    times.append(time)
                whole = whole and not (strict and packet.is_corrupt)
                if time is not None:
                    end = max(end, (time + (packet.duration or 0)) * packet.time_base)
        except av.FFmpegError:
            whole = False
        end -= Fraction(container.start_time or 0, av.time_base)
        promised = Fraction(container.duration or 0, av.time_base)
        if container.format.name == "avi" and video.average_rate:
            promised = video.frames / video.average_rate
        whole = whole and end > promised - _TOLERANCE
    # Even where no frame lasts much longer than usual; rounded times do not matter.
    gaps = np.diff(np.sort([time for time in times if time is not None]))
    even = gaps.size == 0 or gaps.max() <= 1.5 * np.median(gaps)
    return len(times), even, None if whole else max(0, end)


def _upright(image, frame):
    """The picture as it is to be shown, and whether its sides have changed places."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return image, False
    # A point (x, y) goes to (ax + cy, bx + dy).
    a, b, c, d = np.frombuffer(bytes(data), np.int32)[[0, 1, 3, 4]].tolist()
    turned = abs(b) > abs(a)
    if turned:
        image, a, d = image.transpose(1, 0, 2), c, b
    image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(image), turned
