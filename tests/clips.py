"""Tiny videos that the tests make with PyAV, and what is in a file."""

from fractions import Fraction

import av
import numpy as np

FRAME_DURATION = av.codec.context.Flags.frame_duration


def numbered(count, height=48, width=64):
    """Frames that tell their number by their grey and which way is up by a corner."""
    frames = np.empty((count, height, width, 3), np.uint8)
    frames[:] = (40 + 12 * np.arange(count))[:, None, None, None]
    frames[:, : height // 2, : width // 2] = 210, 60, 30
    return frames


def tone(seconds, rate=48000):
    """float32 (2, samples): a sine on the left, another on the right."""
    time = np.arange(int(seconds * rate)) / rate
    pitch = np.array([[440.0], [660.0]])
    return (0.3 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def write_clip(
    path,
    frames,
    times=None,
    time_base=Fraction(1, 25),
    rate=25,
    codec="libx264",
    pixels="yuv420p",
    sound=None,
    subtitles=(),
    title="",
    prepare=None,
    **options,
):
    """Writes frames, with sound of a codec and subtitles where asked for.

    Frames are uint8 RGB, or `av.VideoFrame`s as they are. `times` are in `time_base`,
    one more than there are frames: the end of the last. Sound is in German. `prepare`
    is given the video's stream before anything is written; `options` go to `av.open`.
    """
    times = range(len(frames) + 1) if times is None else times
    with av.open(str(path), "w", **options) as container:
        video = container.add_stream(codec, rate, time_base=time_base)
        first = as_frame(frames[0])
        video.height, video.width, video.pix_fmt = first.height, first.width, pixels
        video.codec_context.flags |= FRAME_DURATION
        if "264" in codec:
            video.options = {"crf": "4"}
        if prepare:
            prepare(video)
        audio = container.add_stream(sound, 48000) if sound else None
        if audio:
            audio.bit_rate, audio.metadata["language"] = 96000, "deu"
        if title:
            container.metadata["title"] = title
        text = container.add_mux_stream("subrip") if subtitles else None
        container.start_encoding()
        for image, start, end in zip(frames, times, times[1:]):
            frame = as_frame(image)
            frame.pts, frame.duration, frame.time_base = start, end - start, time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio:
            write_sound(container, audio, float(times[-1] * time_base))
        for number, line in enumerate(subtitles):
            container.mux(subtitle(text, number, line))


def as_frame(image):
    if isinstance(image, np.ndarray):
        return av.VideoFrame.from_ndarray(image, "rgb24")
    return image


def subtitle(stream, number, line):
    packet = av.Packet(line.encode())
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 100 * number
    packet.duration = 100
    return packet


def write_sound(container, stream, seconds):
    samples, fifo = tone(seconds), av.AudioFifo()
    kind = stream.codec_context.format.name
    if not kind.startswith("flt"):
        samples = (samples * 32767).astype(np.int16)
    if not kind.endswith("p"):
        samples = samples.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), kind, "stereo")
    frame.rate, frame.pts = 48000, 0
    fifo.write(frame)
    size = stream.codec_context.frame_size or 1024
    while (part := fifo.read(size, partial=True)) is not None:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def packets(path, kind):
    """(seconds, bytes) of every packet of a kind of stream."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(streams)
            if packet.size
        ]


def decoded(path):
    """(seconds, uint8 RGB) of every frame, by PyAV alone and as its file says."""
    flags = av.video.reformatter.Interpolation
    exact = flags.BICUBIC | flags.ACCURATE_RND
    exact |= flags.FULL_CHR_H_INT | flags.FULL_CHR_H_INP
    with av.open(str(path)) as container:
        return [
            (
                frame.pts * frame.time_base,
                frame.to_ndarray(format="rgb24", interpolation=exact),
            )
            for frame in container.decode(video=0)
        ]


def seconds(path):
    with av.open(str(path)) as container:
        return container.duration / av.time_base
