import os
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from clips import decoded, numbered, packets, seconds, write_clip

from animegan_tf.errors import InputError
from animegan_tf.imaging.video import VideoReader
from animegan_tf.imaging.video_writer import video_writer
from animegan_tf.inference import stylize_video

UNEVEN = [0, 1, 4, 5, 9, 20, 21, 22, 30, 31, 32, 50, 57]


def read(path, **options):
    """The frames of a video, and the reader."""
    with VideoReader(path, **options) as reader:
        return list(reader), reader


def copy(source, target, paint=lambda image: image, crf=18, **options):
    """The frames of a video after they were written again, and the writer."""
    with VideoReader(source, **options) as reader, video_writer(
        target, reader, crf
    ) as writer:
        frames = list(reader)
        for frame in frames:
            writer.write(paint(frame.image), frame)
    return frames, writer


def noise(count):
    return np.random.default_rng(0).integers(0, 256, (count, 48, 64, 3), np.uint8)


def greys(images):
    """The numbers that `numbered` has hidden in frames."""
    return [round((image[-8:, -8:].mean() - 40) / 12) for image in images]


# Times


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_every_frame_comes_in_order_with_its_time(tmp_path, suffix):
    path = tmp_path / f"clip{suffix}"
    write_clip(path, numbered(15), sound="aac")
    frames, reader = read(path)
    assert reader.frames == len(frames) == 15 and reader.even
    assert greys(frame.image for frame in frames) == list(range(15))
    times = [frame.pts * reader.time_base * 25 for frame in frames]
    assert times == list(range(15))
    assert {frame.duration * reader.time_base * 25 for frame in frames} == {1}
    assert frames[3].image.shape == (48, 64, 3)
    assert frames[3].image.dtype == np.uint8 and frames[3].image.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_uneven_times_and_the_length_are_kept(tmp_path, suffix):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_clip(
        source,
        numbered(12),
        times=UNEVEN,
        time_base=Fraction(1, 30),
        prepare=lambda video: video.options.update(bf="0"),
    )
    frames, _ = copy(source, target)
    reader = read(source)[1]
    assert not reader.even
    times = [frame.pts * reader.time_base for frame in frames]
    end = (frames[-1].pts + frames[-1].duration) * reader.time_base
    assert end == pytest.approx(57 / 30, abs=0.002)
    assert times == pytest.approx([t / 30 for t in UNEVEN[:-1]], abs=0.0006)
    assert [time for time, _ in decoded(target)] == times
    assert seconds(target) == pytest.approx(57 / 30, abs=0.002)
    assert seconds(source) == pytest.approx(57 / 30, abs=0.002)


def test_a_clock_that_starts_late_starts_at_zero_and_sound_stays_with_it(tmp_path):
    source, target = tmp_path / "a.mkv", tmp_path / "b.mkv"
    # The sound begins at 0: only the video is late, and that is how it has to be.
    write_clip(source, numbered(20), range(250, 271), sound="pcm_s16le")
    copy(source, target)
    assert decoded(target)[0][0] == decoded(source)[0][0] == 10
    assert packets(target, "audio")[0][0] == 0
    late = tmp_path / "late.ts"
    write_clip(late, numbered(20), sound="mp2")
    copy(late, target)
    (video, _), (sound, _) = decoded(late)[0], packets(late, "audio")[0]
    assert video > 0
    assert decoded(target)[0][0] == 0
    assert packets(target, "audio")[0][0] == pytest.approx(sound - video, abs=1e-4)


def test_avi_has_no_times_but_an_order(tmp_path):
    path = tmp_path / "clip.avi"
    write_clip(path, numbered(15))  # with frames that wait for later ones
    assert [pts for pts, _ in decoded(path)] != sorted(pts for pts, _ in decoded(path))
    frames, reader = read(path)
    assert greys(frame.image for frame in frames) == list(range(15))
    assert [frame.pts for frame in frames] == list(range(15))


# Pictures

MATRICES = {
    "as it is": ((1, 0, 0, 1), lambda x: x),
    "mirrored": ((-1, 0, 0, 1), lambda x: x[:, ::-1]),
    "upside down": ((-1, 0, 0, -1), lambda x: x[::-1, ::-1]),
    "upside down, mirrored": ((1, 0, 0, -1), lambda x: x[::-1]),
    "on its left": ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
    "on its right": ((0, -1, 1, 0), lambda x: np.rot90(x, 1)),
    "transposed": ((0, 1, 1, 0), lambda x: x.transpose(1, 0, 2)),
    "transversed": ((0, -1, -1, 0), lambda x: np.rot90(x, 2).transpose(1, 0, 2)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_frames_are_turned_upright_and_the_painted_video_is_not_turned_again(
    tmp_path, name
):
    (a, b, c, d), turn = MATRICES[name]
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    numbers = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]

    def prepare(video):
        video.set_display_matrix(numbers)
        video.codec_context.sample_aspect_ratio = Fraction(4, 3)

    clip = numbered(4)
    clip[:, 40:, 8:24] = 20, 40, 220
    write_clip(source, clip, prepare=prepare)
    frames, _ = copy(source, target)
    expected = turn(clip[2]).astype(int)
    assert frames[2].image.shape == expected.shape
    assert np.abs(frames[2].image - expected).mean() < 3
    assert frames[2].aspect == (Fraction(3, 4) if b else Fraction(4, 3))
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation == 0
        assert container.streams.video[0].sample_aspect_ratio == frames[2].aspect


def colours(height=48, width=64):
    """Large patches, so that halved chroma costs nothing inside them."""
    frame = np.empty((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2] = 200, 30, 40
    frame[: height // 2, width // 2 :] = 30, 180, 60
    frame[height // 2 :, : width // 2] = 20, 40, 220
    frame[height // 2 :, width // 2 :] = 120, 120, 120
    return frame


def inside(image):
    """The four patches of `colours` without their edges."""
    h, w = image.shape[0] // 2, image.shape[1] // 2
    return np.stack(
        [
            image[y + 6 : y + h - 6, x + 6 : x + w - 6].mean((0, 1))
            for y in (0, h)
            for x in (0, w)
        ]
    )


@pytest.mark.parametrize("wide", ["MPEG", "JPEG"])
@pytest.mark.parametrize(
    "matrix, tag, size",
    [
        ("ITU601", 6, (48, 64)),
        ("ITU709", 1, (48, 64)),
        ("BT2020", 9, (48, 64)),
        ("ITU601", 2, (48, 64)),  # 2: not said
        ("ITU709", 2, (592, 64)),
        ("ITU709", 2, (48, 1280)),
    ],
)
def test_colours_come_by_the_matrix_and_range_of_the_file(
    tmp_path, matrix, tag, size, wide
):
    frame = av.VideoFrame.from_ndarray(colours(*size), "rgb24").reformat(
        format="yuv444p", dst_colorspace=matrix, dst_color_range=wide
    )

    def prepare(video):
        video.codec_context.colorspace = tag
        video.codec_context.color_range = av.video.reformatter.ColorRange[wide]

    path = tmp_path / "clip.mp4"
    write_clip(path, [frame], prepare=prepare, pixels="yuv444p")
    (frame,), _ = read(path)
    assert np.abs(inside(frame.image) - inside(colours(*size))).max() < 3
    target = tmp_path / "painted.mp4"
    copy(path, target)
    ((_, image),) = decoded(target)
    assert np.abs(inside(image) - inside(colours(*size))).max() < 4


@pytest.mark.parametrize(
    "name, codec, pixels",
    [
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.mov", "png", "rgb24"),
    ],
)
def test_colours_of_other_codecs(tmp_path, name, codec, pixels):
    write_clip(tmp_path / name, [colours()] * 3, codec=codec, pixels=pixels)
    frames, _ = read(tmp_path / name)
    assert len(frames) == 3
    assert np.abs(inside(frames[1].image) - inside(colours())).max() < 5


def test_colours_that_cannot_be_converted_are_refused(tmp_path):
    path = tmp_path / "a.mkv"
    write_clip(
        path,
        numbered(3),
        prepare=lambda video: setattr(video.codec_context, "colorspace", 14),
    )
    with pytest.raises(InputError, match="a.mkv: its colours .* matrix 14"):
        read(path)


def test_hdr_becomes_bt709(tmp_path):
    # Grey in HLG: 75 % is the white of a page, which is 255 without HDR.
    signal = np.repeat(np.linspace(0, 1, 16), 4)
    luma = np.tile((64 + 876 * signal).astype(np.uint16), (48, 1))
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for plane, values in zip(frame.planes, (luma, 512, 512)):
        width = plane.line_size // 2
        padded = np.full((plane.height, width), 512, np.uint16)
        padded[:, : plane.width] = values
        plane.update(padded.tobytes())

    def prepare(video):
        context = video.codec_context
        context.colorspace = context.color_primaries = 9
        context.color_trc, context.color_range = 18, 1

    path = tmp_path / "clip.mp4"
    write_clip(path, [frame], prepare=prepare, pixels="yuv420p10le")
    (frame,), _ = read(path)
    row = frame.image[24, 1::4].mean(-1)
    assert (np.diff(row) >= 0).all()
    # White at 75 %; half of the signal, 21 % of its light, is 0.26 of it or 140.
    assert row[0] < 3 and row[10] < 235 and row[12] > 250
    assert np.interp(0.5, np.linspace(0, 1, 16), row) == pytest.approx(140, abs=8)


def test_painted_colours_are_true_and_tagged(tmp_path):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    photo = cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    write_clip(source, [photo] * 5)
    frames, _ = copy(source, target, crf=4)
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        assert context.name == "h264" and context.pix_fmt == "yuv420p"
        tags = context.colorspace, context.color_primaries, context.color_trc
        assert tags == (1, 1, 1) and context.color_range == 1
    shift = decoded(target)[2][1].astype(int) - frames[2].image
    assert np.abs(shift).mean() < 1.5
    assert np.abs(shift.mean((0, 1))).max() < 0.3


def test_odd_sides_get_their_last_row_and_column_twice(tmp_path):
    source, target = tmp_path / "a.mkv", tmp_path / "b.mp4"
    frame = colours(47, 63)
    frame[:, -9:], frame[-9:] = (250, 250, 20), (10, 10, 10)
    write_clip(source, [frame] * 3, codec="ffv1", pixels="bgr0")
    frames, _ = copy(source, target)
    assert frames[1].image.shape == (47, 63, 3)
    image = decoded(target)[1][1].astype(int)
    assert image.shape == (48, 64, 3)
    padded = np.pad(frame, [(0, 1), (0, 1), (0, 0)], mode="edge")
    assert np.abs(image - padded)[:, -4:].mean() < 6
    assert np.abs(image - padded)[-4:].mean() < 6


def test_a_video_that_changes_its_size_keeps_the_first_one(tmp_path):
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    write_clip(source, numbered(3))
    sizes = iter([(48, 64), (60, 40), (24, 32)])
    copy(source, target, lambda image: np.full((*next(sizes), 3), 200, np.uint8))
    first, tall, half = (image for _, image in decoded(target))
    assert first.shape == tall.shape == half.shape
    # 40 x 60 fits as 32 x 48, between black at both sides.
    assert tall[:, 20:44].min() > 190 and tall[:, [0, 12, 51, 63]].max() < 20
    assert half.min() > 190


# Sound and subtitles


@pytest.mark.parametrize(
    "source, target, video, sound",
    [
        ("a.mp4", "b.mp4", "libx264", "aac"),
        ("a.mp4", "b.mkv", "libx264", "aac"),
        ("a.mov", "b.mov", "libx264", "pcm_s16le"),
        ("a.mkv", "b.mp4", "libx264", "ac3"),
        ("a.webm", "b.mkv", "libvpx", "libopus"),
        ("a.webm", "b.mp4", "libvpx", "libopus"),
        ("a.avi", "b.mkv", "mpeg4", "pcm_s16le"),
        ("a.ts", "b.mp4", "libx264", "mp2"),
        ("a.mpg", "b.mkv", "mpeg2video", "mp2"),
        ("a.ogv", "b.mkv", "libvpx", "libopus"),
    ],
)
def test_sound_is_copied_byte_by_byte(tmp_path, source, target, video, sound):
    source, target = tmp_path / source, tmp_path / target
    write_clip(source, numbered(15), codec=video, sound=sound)
    frames, writer = copy(source, target)
    assert len(frames) == len(decoded(target)) == 15
    assert greys(image for _, image in decoded(target)) == list(range(15))
    before, after = packets(source, "audio"), packets(target, "audio")
    assert len(before) > 5
    assert [data for _, data in after] == [data for _, data in before]
    # Matroska rounds to milliseconds.
    shift = decoded(source)[0][0] - decoded(target)[0][0]
    assert [float(time) for time, _ in after] == pytest.approx(
        [float(time - shift) for time, _ in before], abs=0.0011
    )


def test_sound_that_a_kind_of_file_cannot_hold_is_named_at_once(tmp_path):
    source = tmp_path / "a.webm"
    write_clip(source, numbered(5), codec="libvpx", sound="libopus")
    with pytest.raises(InputError, match=r"b.mov: a .mov file .*a.webm.*opus.*.mkv"):
        copy(source, tmp_path / "b.mov")
    source = tmp_path / "a.wmv"
    write_clip(source, numbered(5), codec="wmv2", sound="wmav2")
    with VideoReader(source) as reader:
        with pytest.raises(InputError, match="b.mp4: a .mp4 file .*a.wmv.*wmav2"):
            with video_writer(tmp_path / "b.mp4", reader):
                raise AssertionError("too late")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.webm", "a.wmv"]


def test_subtitles_and_languages_are_copied_where_they_fit(tmp_path):
    source = tmp_path / "a.mkv"
    write_clip(source, numbered(10), sound="aac", subtitles=["one", "two"])
    target = tmp_path / "b.mkv"
    _, writer = copy(source, target)
    assert writer.left_out == []
    assert packets(target, "subtitle") == packets(source, "subtitle")
    assert [data for _, data in packets(target, "subtitle")] == [b"one", b"two"]
    _, writer = copy(source, tmp_path / "b.mp4")
    assert writer.left_out == ["srt"]
    assert len(packets(tmp_path / "b.mp4", "audio")) == len(packets(source, "audio"))


def test_what_identifies_a_person_is_not_copied_but_languages_are(tmp_path):
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    write_clip(source, numbered(5), sound="aac", title="Anna at home")
    assert b"Anna" in source.read_bytes()
    copy(source, target)
    assert b"Anna" not in target.read_bytes()
    with av.open(str(target)) as container:
        assert container.streams.audio[0].language == "deu"
        assert "title" not in container.metadata


# Files that are none, and damaged ones


def test_what_is_no_video_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "text.mp4").write_text("no video, however long it is\n" * 99)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    write_clip(tmp_path / "clip.mkv", numbered(3))
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile clip.mkv\n")
    for name in ("text.mp4", "empty.mp4", "folder.mp4", "list.mp4", "missing.mp4"):
        with pytest.raises(InputError, match=f"{name}: must be a readable video"):
            VideoReader(tmp_path / name)
    with av.open(str(tmp_path / "list.mp4")):  # FFmpeg itself would follow it
        pass


def test_a_file_without_video_or_frames_is_refused(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", 48000)
        samples = np.zeros((2, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
        frame.rate, frame.pts = 48000, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(InputError, match="song.mp4: must hold a video, .*audio only"):
        VideoReader(tmp_path / "song.mp4")
    with av.open(str(tmp_path / "none.mp4"), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.height, stream.width = 48, 64
        container.start_encoding()
    with pytest.raises(InputError, match="none.mp4: must hold a video, .* nothing"):
        VideoReader(tmp_path / "none.mp4")
    path = tmp_path / "black.mov"
    write_clip(path, numbered(3), codec="png", pixels="rgb24")
    data = path.read_bytes()
    for _, packet in packets(path, "video"):
        data = data.replace(packet, bytes(len(packet)))
    path.write_bytes(data)
    with pytest.raises(InputError, match="black.mov: must hold frames that can"):
        read(path)


def test_the_cover_of_music_is_no_video(tmp_path):
    path, cover = tmp_path / "song.mp4", av.stream.Disposition.attached_pic
    write_clip(
        path,
        numbered(1),
        codec="mjpeg",
        pixels="yuvj420p",
        sound="aac",
        prepare=lambda video: setattr(video, "disposition", cover),
    )
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition == cover
    with pytest.raises(InputError, match="song.mp4: must hold a video"):
        VideoReader(path)


def in_front(source, target):
    """Copies an MP4 with its index in front, as for the web."""
    options = {"movflags": "faststart"}
    with av.open(str(source)) as old, av.open(
        str(target), "w", container_options=options
    ) as new:
        streams = [new.add_stream_from_template(s) for s in old.streams]
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)


@pytest.mark.parametrize(
    "name, codec, sound",
    [
        ("a.mp4", "libx264", "aac"),
        ("a.mkv", "libx264", "aac"),
        ("a.avi", "mpeg4", "mp2"),
        ("a.webm", "libvpx", "libopus"),
    ],
)
def test_a_file_that_breaks_off_is_refused_unless_a_part_is_wanted(
    tmp_path, name, codec, sound
):
    path, cut = tmp_path / name, tmp_path / f"cut-{name}"
    write_clip(path, noise(80), codec=codec, sound=sound)
    if name == "a.mp4":
        in_front(path, tmp_path / "front.mp4")
        path = tmp_path / "front.mp4"
    data = path.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(
        InputError, match=rf"{cut.name}: .* breaks off .* after [12]\.\d"
    ):
        VideoReader(cut)
    frames, _ = copy(cut, tmp_path / "part.mkv", partial=True)
    assert 30 < len(frames) < 50
    assert len(decoded(tmp_path / "part.mkv")) == len(frames)
    assert 5 < len(packets(tmp_path / "part.mkv", "audio")) < 80
    if name == "a.mp4":  # says so even where nearly nothing is missing
        cut.write_bytes(data[:-100])
        with pytest.raises(InputError, match="breaks off or is damaged after 3"):
            VideoReader(cut)


def test_a_last_frame_that_lasts_is_no_missing_end(tmp_path):
    path = tmp_path / "slides.mkv"
    write_clip(path, numbered(4), [0, 50, 100, 150, 210])
    copy(path, tmp_path / "b.mkv")
    assert len(decoded(tmp_path / "b.mkv")) == 4


def test_an_index_that_was_never_written_leaves_nothing_to_read(tmp_path):
    write_clip(tmp_path / "a.mp4", numbered(20))
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    for partial in (False, True):
        with pytest.raises(InputError, match="cut.mp4: must be a readable video"):
            VideoReader(tmp_path / "cut.mp4", partial)


def test_a_frame_that_cannot_be_decoded_is_missing_and_the_one_before_lasts(tmp_path):
    path, damaged = tmp_path / "a.mov", tmp_path / "b.mov"
    write_clip(path, numbered(10), codec="png", pixels="rgb24")
    data = packets(path, "video")[4][1]
    damaged.write_bytes(path.read_bytes().replace(data, bytes(len(data))))
    frames, reader = read(damaged)
    assert reader.undecoded == 1
    assert greys(frame.image for frame in frames) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    times = [frame.pts * reader.time_base * 25 for frame in frames]
    assert times == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert frames[3].duration == 2 * frames[2].duration
    copy(damaged, tmp_path / "c.mkv")
    assert seconds(tmp_path / "c.mkv") == pytest.approx(0.4, abs=0.002)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
def test_titles_in_any_encoding_and_names_like_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip("plain.mkv", numbered(3), title="Ae and Oe")
    data = open("plain.mkv", "rb").read()
    assert b"Ae and Oe" in data
    with open("a:b.mkv", "wb") as file:  # in Latin-1, which is no UTF-8
        file.write(data.replace(b"Ae and Oe", b"\xc4e and \xd6e"))
    frames, _ = copy("a:b.mkv", "c:d.mkv")
    assert len(frames) == 3 and os.path.exists("c:d.mkv")


# Writing


def test_what_cannot_be_written_is_refused(tmp_path):
    source = tmp_path / "a.mp4"
    write_clip(source, numbered(3))
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    for name in ("folder.mp4", "missing/b.mp4", "file/b.mp4"):
        with pytest.raises(InputError, match=f"{name}: .* must be writable there"):
            copy(source, tmp_path / name)
    for name in ("b.webm", "b.avi", "b"):
        with pytest.raises(InputError, match=f"{name}: .*must end in one of .mp4"):
            copy(source, tmp_path / name)
    with VideoReader(source) as reader:
        for crf in (-1, 52):
            with pytest.raises(InputError, match=f"crf must .*received {crf}"):
                video_writer(tmp_path / "b.mp4", reader, crf).__enter__()
    assert sorted(tmp_path.iterdir()) == before


def test_a_full_disk_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource")
    source = tmp_path / "a.mkv"
    write_clip(source, noise(60))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(InputError, match="b.mp4: the video must be writable"):
            copy(source, tmp_path / "b.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [source]


def test_quality_is_a_choice(tmp_path):
    source = tmp_path / "a.mkv"
    write_clip(source, noise(10))
    sizes = []
    for crf in (10, 40):
        copy(source, tmp_path / "b.mp4", crf=crf)
        sizes.append((tmp_path / "b.mp4").stat().st_size)
    assert sizes[0] > 3 * sizes[1]


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "animegan_tf.imaging.video")
    with pytest.raises(InputError, match=r"package av .*pip install -e \"\.\[video\]"):
        stylize_video(np.copy, tmp_path / "a.mp4", tmp_path / "b.mp4")
