import threading
import time

import cv2
import numpy as np
import pytest
from clips import decoded, numbered, packets, seconds, write_clip
from runtime_standin import StandIn, negative

from animegan_tf.errors import InputError
from animegan_tf.imaging.flicker import flicker
from animegan_tf.imaging.video import VideoReader
from animegan_tf.imaging.video_writer import VideoWriter
from animegan_tf.inference import StylizedVideo, Stylizer, stylize_video


@pytest.fixture
def source(tmp_path):
    write_clip(tmp_path / "a.mp4", numbered(15), sound="aac")
    return tmp_path / "a.mp4"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "b.mp4"


def test_every_frame_is_painted_in_its_place_and_sound_is_copied(source, target):
    calls = []
    painted = stylize_video(
        negative, source, target, progress=lambda *numbers: calls.append(numbers)
    )
    assert painted == StylizedVideo(frames=15, undecoded=0, left_out=[])
    assert calls == [(number, 15) for number in range(1, 16)]
    before, after = decoded(source), decoded(target)
    assert [time for time, _ in after] == [time for time, _ in before]
    for (_, photo), (_, picture) in zip(before, after):
        assert np.abs(negative(picture)[-16:].astype(int) - photo[-16:]).mean() < 3
    assert packets(target, "audio") == packets(source, "audio")
    assert seconds(target) == seconds(source)


def test_a_stylizer_paints_videos_smaller_and_side_by_side(source, target):
    stylizer = Stylizer(StandIn(), max_side=32)
    stylize_video(stylizer, source, target, side_by_side=True)
    (_, photo), (_, both) = decoded(source)[9], decoded(target)[9]
    assert both.shape == (24, 64, 3)
    small = cv2.resize(photo, (32, 24), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(both[:, :32] - small).mean() < 4
    assert np.abs(both[:, 32:] - small).mean() < 4


def test_smoothing_lowers_flicker_in_the_file(tmp_path, target):
    rng = np.random.default_rng(0)
    clean = cv2.resize(rng.uniform(60, 190, (6, 8, 3)), (64, 48))
    clip = [np.rint(clean + rng.normal(0, 4, clean.shape)) for _ in range(15)]
    source = tmp_path / "a.mkv"
    write_clip(source, np.uint8(clip), codec="ffv1", pixels="bgr0")
    photos = [photo for _, photo in decoded(source)]
    found = []
    for smooth in (0, 0.8):
        stylize_video(negative, source, target, smooth=smooth, crf=8)
        found.append(flicker(photos, [picture for _, picture in decoded(target)]))
    assert found[0] > 2
    assert found[1] < 0.5 * found[0]


def test_the_photo_beside_a_smoothed_picture_is_not_smoothed(source, target):
    stylize_video(negative, source, target, side_by_side=True, smooth=1, crf=4)
    for number, (_, both) in enumerate(decoded(target)):
        assert both.shape == (48, 128, 3)
        assert abs(both[30:, :60].mean() - (40 + 12 * number)) < 3
        assert abs(both[30:, 68:].mean() - (255 - 40 - 12 * number)) < 8


def test_an_error_names_the_frame_and_leaves_nothing(tmp_path, source, target):
    def paint(image):
        if round((image[-8:, -8:].mean() - 40) / 12) == 6:
            raise InputError("a photo's sides must be 99; got 64")
        return image

    with pytest.raises(InputError, match=r"a.mp4, frame 7 at 0.24 s: a photo's sides"):
        stylize_video(paint, source, target)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError("no room")])
def test_an_interruption_leaves_the_old_file_and_no_thread(
    tmp_path, source, target, failure
):
    target.write_bytes(b"old")
    seen = []

    def paint(image):
        seen.append(image)
        if len(seen) == 9:
            assert len(list(tmp_path.iterdir())) == 3
            raise failure
        return image

    threads = threading.active_count()
    with pytest.raises(type(failure)):
        stylize_video(paint, source, target)
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [source, target]
    assert threading.active_count() == threads
    stylize_video(negative, source, target)
    assert len(decoded(target)) == 15


def test_errors_of_reading_and_writing_come_through(tmp_path, source, target):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match="text.mp4: must be a readable video"):
        stylize_video(negative, tmp_path / "text.mp4", target)
    with pytest.raises(InputError, match="b.gif: .* must end in one of"):
        stylize_video(negative, source, tmp_path / "b.gif")
    with pytest.raises(InputError, match="strength .*received 2"):
        stylize_video(negative, source, target, smooth=2)
    with pytest.raises(InputError, match="none/b.mp4: .* must be writable"):
        stylize_video(negative, source, tmp_path / "none" / "b.mp4")
    assert not target.exists()


def test_a_part_of_a_video_is_painted_on_request(tmp_path, target):
    noise = np.random.default_rng(0).integers(0, 256, (80, 48, 64, 3), np.uint8)
    whole, cut = tmp_path / "a.mkv", tmp_path / "cut.mkv"
    write_clip(whole, noise)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cut.mkv: .* breaks off"):
        stylize_video(negative, cut, target)
    painted = stylize_video(negative, cut, target, partial=True)
    assert 30 < painted.frames == len(decoded(target)) < 50


def test_frames_are_read_ahead_and_written_behind_but_few(source, target, monkeypatch):
    """Painting goes on while others are read and written; memory stays bounded."""
    read, painted, written, threads = [], [], [], set()
    finished, write = VideoReader._finished, VideoWriter.write

    def counted(self, *args):
        threads.add(threading.current_thread())
        read.append(1)
        return finished(self, *args)

    def slow(self, *args):
        threads.add(threading.current_thread())
        time.sleep(0.02)
        write(self, *args)
        written.append(1)

    monkeypatch.setattr(VideoReader, "_finished", counted)
    monkeypatch.setattr(VideoWriter, "write", slow)
    ahead, behind = [], []

    def paint(image):
        deadline = time.monotonic() + 2
        while len(read) < min(15, len(painted) + 3) and time.monotonic() < deadline:
            time.sleep(0.001)
        ahead.append(len(read) - len(painted) - 1)
        behind.append(len(painted) - len(written))
        painted.append(1)
        return image

    stylize_video(paint, source, target)
    assert ahead[:12] == [2] * 12
    assert max(behind) in (2, 3)
    assert len(threads) == 2 and threading.main_thread() not in threads
