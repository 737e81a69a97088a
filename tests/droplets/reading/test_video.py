"""AVI and MP4: each frame by its index, what a video may take, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
import psutil
import pytest

from droplets.errors import BadRequest, ServiceError, TooManyPixels, UndecodableImage
from droplets.reading import confined
from droplets.reading.image import ImageFile, decode_image, sniff_format
from droplets.reading.planes import Axes, Selection
from tests.conftest import ROOT

FRAMES, HEIGHT, WIDTH = 30, 48, 64
LIMIT = 10**6
KINDS = {"mp4v": "MP4", "MJPG": "AVI", "FFV1": "AVI", "HFYU": "AVI"}


def levels() -> np.ndarray:
    """Grey level of each frame, no two near each other alike."""
    return np.arange(FRAMES) * 53 % 200 + 20


def video(folder, codec: str, colour=(1.0, 1.0, 1.0), size=(WIDTH, HEIGHT)) -> bytes:
    path = folder / f"a.{KINDS[codec].lower()}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, size)
    for level in levels():
        writer.write(np.full((size[1], size[0], 3), level * np.array(colour), np.uint8))
    writer.release()
    return path.read_bytes()


def read(data: bytes, max_pixels: int = LIMIT, **selection):
    return decode_image(data, max_pixels=max_pixels, selection=Selection(**selection))


@pytest.mark.parametrize("codec", KINDS)
def test_each_frame_is_found_by_its_index(tmp_path, codec):
    data = video(tmp_path, codec)
    assert sniff_format(data) == KINDS[codec]
    with ImageFile(data, max_pixels=LIMIT) as file:
        assert file.axes() == Axes(frames=FRAMES, interval_s=0.1)
        for frame in (FRAMES - 1, 0, 13):
            image = file.image(Selection(frame=frame))
            assert abs(float(image.original.mean()) - levels()[frame]) < 6
            assert (image.width, image.height, image.bit_depth) == (WIDTH, HEIGHT, 8)
            assert image.notes == (f"frame {frame} of {FRAMES}",)
            assert image.axes.frames == FRAMES


def test_a_grey_video_is_grey_and_one_in_colour_red_green_and_blue(tmp_path):
    assert read(video(tmp_path, "FFV1"), frame=3).original.shape == (HEIGHT, WIDTH)
    image = read(video(tmp_path, "FFV1", colour=(0.2, 0.5, 1.0)), frame=3)
    red, green, blue = image.original.reshape(-1, 3).mean(axis=0)
    assert (red / green, red / blue) == pytest.approx((2, 5), rel=0.05)


def test_a_frame_beyond_the_last_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"options\.frame is 30; the file has 30 frames, counted from 0\."):
        read(video(tmp_path, "MJPG"), frame=30)


def test_the_pixel_limit_holds_for_a_frame(tmp_path):
    data = video(tmp_path, "mp4v")
    read(data, max_pixels=WIDTH * HEIGHT)
    with ImageFile(data, max_pixels=WIDTH * HEIGHT - 1) as file:
        for _ in range(2):
            with pytest.raises(TooManyPixels, match=r"64 x 48 = 3072 pixels; the limit is 3071"):
                file.image()


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\0\0\0\0AVI " + bytes(500),
        b"\0\0\0\x1cftypisom" + bytes(500),
        b"\0\0\0\x1cftypqt  " + b"#EXTM3U\n#EXTINF:1\nfile:///etc/hostname\n" * 9,
    ],
    ids=["avi", "mp4", "playlist"],
)
def test_a_video_that_cannot_be_decoded_is_422_with_what_to_do(data):
    with pytest.raises(UndecodableImage, match="save it as AVI with MJPEG"):
        read(data)


def test_a_codec_that_claims_a_larger_picture_than_its_file_does_not_get_it(tmp_path):
    data = bytearray(video(tmp_path, "MJPG"))
    place = -1
    while (place := data.find(b"\xff\xc0", place + 1)) >= 0:
        struct.pack_into(">HH", data, place + 5, 16_000, 16_000)
    with pytest.raises(UndecodableImage):
        read(bytes(data))


@pytest.mark.parametrize("codec", ["mp4v", "MJPG"])
def test_mutated_videos_raise_nothing_but_service_errors(tmp_path, codec):
    sound, random = video(tmp_path, codec), np.random.default_rng(5)
    for _ in range(6):
        data = bytearray(sound)
        for place in random.integers(12, len(data), 12):
            data[place] = random.integers(256)
        try:
            image = read(bytes(data), frame=2)
        except ServiceError as error:
            assert isinstance(error, UndecodableImage | BadRequest)  # noqa: PT017
        else:
            assert image.original.size <= 3 * LIMIT


def test_no_file_and_no_path_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "room"))
    (tmp_path / "room").mkdir()
    sound = video(tmp_path, "MJPG")
    read(sound)
    with pytest.raises(UndecodableImage) as caught:
        read(sound[:200])
    assert str(tmp_path) not in caught.value.message
    assert list((tmp_path / "room").iterdir()) == []


# The process that decodes


def readers() -> list[psutil.Process]:
    """Processes that read files for this one."""
    return [each for each in psutil.Process().children() if confined.__name__ in each.cmdline()]


def test_one_process_reads_all_frames_in_any_order_and_ends_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "room"))
    (tmp_path / "room").mkdir()
    with ImageFile(video(tmp_path, "mp4v"), max_pixels=LIMIT) as file:
        assert file.axes().frames == FRAMES
        (process,) = readers()
        process.send_signal(signal.SIGINT)  # as a terminal does to all that run in it
        for frame in (*range(FRAMES), 7, 8, 6, 29, 0):
            level = float(file.image(Selection(frame=frame)).original.mean())
            assert abs(level - levels()[frame]) < 6, frame
        with pytest.raises(BadRequest):
            file.image(Selection(frame=FRAMES))
        assert readers() == [process]
    assert readers() == []
    file.axes()
    assert len(readers()) == 1
    del file  # who lets go of it need not close it
    assert readers() == []
    assert list((tmp_path / "room").iterdir()) == []


KILLED = """
import os, pathlib, sys
from droplets.reading.image import ImageFile
file = ImageFile(pathlib.Path(sys.argv[1]).read_bytes(), max_pixels=10**6)
file.axes()
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_process_whose_parent_was_killed_takes_its_folder_away(tmp_path):
    (tmp_path / "a.avi").write_bytes(video(tmp_path, "MJPG"))
    (room := tmp_path / "room").mkdir()
    command = [sys.executable, "-c", KILLED, tmp_path / "a.avi"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(room)}, check=False)
    assert done.returncode == -signal.SIGKILL
    ends = time.monotonic() + 20
    while list(room.iterdir()) and time.monotonic() < ends:
        time.sleep(0.05)
    assert list(room.iterdir()) == []


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Puts Python code in place of OpenCV's decoder in that process, or of one frame, as gone wrong."""

    def put(body: str, frame: int | None = None) -> None:
        replaced = "lambda *_: wrong()" if frame is None else "Wrong"
        (tmp_path / "sitecustomize.py").write_text(
            f"def wrong():\n    {body}\nimport cv2\n"
            "class Wrong(cv2.VideoCapture):\n"
            "    def read(self):\n"
            f"        return wrong() if self.get(cv2.CAP_PROP_POS_FRAMES) == {frame} else super().read()\n"
            f"cv2.VideoCapture = {replaced}\n"
        )
        root = os.fspath(confined.Path(confined.droplets.__file__).parents[1])
        start = confined.subprocess.Popen

        def beside(command, env, **others):
            return start(command, env={**env, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}, **others)

        monkeypatch.setattr(confined.subprocess, "Popen", beside)

    return put


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process hold on Linux")
@pytest.mark.parametrize(
    "body", ["bytearray(3 * 2**30)", "import os; os.abort()", "raise KeyError('/srv/secret')"]
)
def test_a_decoder_that_goes_wrong_harms_nothing_and_tells_nothing(tmp_path, reader, body):
    data = video(tmp_path, "MJPG")
    reader(body)
    with pytest.raises(UndecodableImage, match="more memory or time") as caught:
        read(data)
    assert "secret" not in caught.value.message


def test_a_frame_that_kills_the_process_costs_no_other_one(tmp_path, reader):
    reader("import os; os.abort()", frame=3)
    with ImageFile(video(tmp_path, "MJPG"), max_pixels=LIMIT) as file:
        for frame in (2, 3, 3, 4):
            if frame == 3:
                with pytest.raises(UndecodableImage, match="more memory or time"):
                    file.image(Selection(frame=frame))
            else:
                level = float(file.image(Selection(frame=frame)).original.mean())
                assert abs(level - levels()[frame]) < 6


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process hold on Linux")
def test_a_decoder_that_never_ends_is_ended(tmp_path, reader, monkeypatch):
    monkeypatch.setattr(confined, "LONGEST_S", 3)
    data = video(tmp_path, "MJPG")
    reader("import time; time.sleep(100)")
    started = time.monotonic()
    with pytest.raises(UndecodableImage, match="more memory or time"):
        read(data)
    assert time.monotonic() - started < 20


def test_the_process_knows_nothing_of_the_services_environment(tmp_path, reader, monkeypatch):
    monkeypatch.setenv("API_KEYS", "a-key-of-ada")
    data = video(tmp_path, "MJPG")
    seen = tmp_path / "seen"
    reader(f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(repr(sorted(os.environ)))")
    with pytest.raises(UndecodableImage):
        read(data)
    assert "API_KEYS" not in seen.read_text()


def test_what_a_library_prints_does_not_get_into_the_answer(tmp_path, reader):
    data = video(tmp_path, "MJPG")
    reader("import os; os.write(1, b'[\"plane\", {}]\\n'); raise KeyError")
    with pytest.raises(UndecodableImage):
        read(data)
