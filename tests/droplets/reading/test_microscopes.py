"""CZI, ND2 and LIF: small files written byte by byte, read by the extra's libraries where these are."""

from __future__ import annotations

import importlib.util
import struct
import uuid

import imagecodecs
import numpy as np
import pytest

from droplets.errors import BadRequest, UndecodableImage, UnsupportedImage
from droplets.reading.image import decode_image, read_axes
from droplets.reading.planes import Axes, Selection
from droplets.types import PixelSize
from tests.droplets.images import grey

FRAMES, PLANES, CHANNELS = 3, 2, 2
LIMIT = 10**6
LIBRARIES = {"CZI": "czifile", "ND2": "nd2", "LIF": "liffile"}


def numbered() -> np.ndarray:
    """TxZxCx24x32 uint16; each plane has its own number added to one ramp."""
    numbers = np.arange(FRAMES * PLANES * CHANNELS, dtype=np.uint16)
    return grey()[None] + 300 * numbers.reshape(FRAMES, PLANES, CHANNELS, 1, 1)


def segment(name: str, body: bytes) -> bytes:
    return struct.pack("<16sqq", name.encode(), len(body), len(body)) + body


def zstd(values: np.ndarray, compression: int) -> bytes:
    """A tile as ZEN compresses it by Zstandard: 5 as it is, 6 with a header and all low bytes first."""
    if compression == 5:
        return imagecodecs.zstd_encode(values.tobytes())
    return b"\x03\x01\x01" + imagecodecs.zstd_encode(values.view(np.uint8).reshape(-1, 2).T.tobytes())


def czi(compression: int = 0) -> bytes:
    """CZI file of the numbered planes, each in two tiles beside each other, with names and a scale."""
    metadata = (
        b"<ImageDocument><Metadata><Information><Image><Dimensions><Channels>"
        b'<Channel Id="Channel:0" Name="BF"/><Channel Id="Channel:1" Name="FAM"/>'
        b"</Channels></Dimensions></Image></Information><Scaling><Items>"
        b'<Distance Id="X"><Value>6.5E-07</Value></Distance></Items></Scaling></Metadata></ImageDocument>'
    )
    header_size, entries, blocks = 32 + 80, [], b""
    for frame, plane, channel in np.ndindex(FRAMES, PLANES, CHANNELS):
        for tile, left in enumerate((0, 16)):
            values = np.ascontiguousarray(numbered()[frame, plane, channel][:, left : left + 16])
            at = {
                "X": (left, 16),
                "Y": (0, 24),
                "C": (channel, 1),
                "Z": (plane, 1),
                "T": (frame, 1),
                "M": (tile, 1),
            }
            entry = struct.pack(
                "<2siqiiBB4si", b"DV", 1, header_size + len(blocks), 0, compression, 0, 0, b"", len(at)
            )
            for axis, (start, size) in at.items():
                entry += struct.pack("<4siifi", axis.encode(), start, size, start, size)
            pad = bytes(max(240 - len(entry), 0))
            data = zstd(values, compression) if compression else values.tobytes()
            body = struct.pack("<iiq", 0, 0, len(data)) + entry + pad + data
            blocks += segment("ZISRAWSUBBLOCK", body)
            entries.append(entry)
    directory_at = header_size + len(blocks)
    directory = segment("ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    described = segment("ZISRAWMETADATA", struct.pack("<ii248x", len(metadata), 0) + metadata)
    own = uuid.UUID(int=7).bytes
    header = struct.pack(
        "<iiii16s16siqqiq", 1, 0, 0, 0, own, own, 0, directory_at, directory_at + len(directory), 0, 0
    )
    return segment("ZISRAWFILE", header) + blocks + directory + described


def lif() -> bytes:
    """LIF file of the numbered planes, with a scale."""
    nbytes = numbered().nbytes
    dims = ((1, 32, 2), (2, 24, 64), (3, PLANES, 2 * 1536), (4, FRAMES, 2 * 1536 * PLANES))
    channel = (
        '<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0" '
        'Max="65535" Unit="" LUTName="Gray" IsLUTInverted="0" BytesInc="{}" BitInc="0"/>'
    )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="p" Visibility="1" CopyOption="1">'
        '<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children>'
        '<Element Name="a"><Data><Image><ImageDescription><Channels>'
        + "".join(channel.format(1536 * each) for each in range(CHANNELS))
        + "</Channels><Dimensions>"
        + "".join(
            f'<DimensionDescription DimID="{axis}" NumberOfElements="{count}" Origin="0" '
            f'Length="{(count - 1) * 5e-7}" Unit="m" BitInc="0" BytesInc="{step}"/>'
            for axis, count, step in dims
        )
        + "</Dimensions></ImageDescription></Image></Data>"
        f'<Memory Size="{nbytes}" MemoryBlockID="MemBlock_1"/>'
        "</Element></Children></Element></LMSDataContainerHeader>"
    )
    text, name = xml.encode("utf-16-le"), "MemBlock_1".encode("utf-16-le")
    head = struct.pack("<iiBi", 0x70, 5 + len(text), 0x2A, len(xml)) + text
    block = struct.pack("<iiBqBi", 0x70, 14 + len(name), 0x2A, nbytes, 0x2A, len(name) // 2) + name
    return head + block + numbered().tobytes()


def variant(value: object, tag: str = "no_name") -> str:
    """ND2's XML of nested values."""
    if isinstance(value, dict):
        inside = "".join(variant(each, name) for name, each in value.items())
        return f'<{tag} runtype="CLxListVariant">{inside}</{tag}>'
    kinds = {bool: "bool", int: "lx_uint32", float: "double", str: "CLxStringW"}
    return f'<{tag} runtype="{kinds[type(value)]}" value="{value}"/>'


def nd2() -> bytes:
    """ND2 file of version 2, whose descriptions are XML, of the numbered planes with names and a scale."""
    z_loop = {"eType": 4, "uLoopPars": {"uiCount": PLANES, "dZStep": 1.0, "bAbsolute": False}}
    loops = {
        "eType": 1,
        "uLoopPars": {"uiCount": FRAMES, "dStart": 0.0, "dPeriod": 1.0, "dDuration": 3.0},
        "ppNextLevelEx": {"no_name": z_loop},
    }
    channels = {
        f"a{i}": {"uiCompCount": 1, "sDescription": name, "pFluorescentProbe": {"m_sName": name}}
        for i, name in enumerate(("BF", "FAM"))
    }
    descriptions = {
        "ImageAttributes!": {
            "SLxImageAttributes": {
                "uiWidth": 32, "uiWidthBytes": 32 * 2 * CHANNELS, "uiHeight": 24, "uiComp": CHANNELS,
                "uiBpcInMemory": 16, "uiBpcSignificant": 16, "uiSequenceCount": FRAMES * PLANES,
                "eCompression": 2,
            }
        },
        "ImageMetadataSeq|0!": {
            "SLxPictureMetadata": {
                "bCalibrated": True,
                "dCalibration": 0.65,
                "sPicturePlanes": {"uiCount": CHANNELS, "sPlaneNew": channels},
            }
        },
        "ImageMetadata!": {"SLxExperiment": loops},
    }  # fmt: skip
    chunks = {name: variant(value, "variant").encode() for name, value in descriptions.items()}
    for sequence, planes in enumerate(numbered().reshape(-1, CHANNELS, 24, 32)):
        chunks[f"ImageDataSeq|{sequence}!"] = bytes(8) + np.moveaxis(planes, 0, -1).tobytes()

    def chunk(name: str, data: bytes, room: int) -> bytes:
        return struct.pack("<IIQ", 0x0ABECEDA, room, len(data)) + name.encode().ljust(room, b"\0") + data

    file = chunk("ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver2.0".ljust(64, b"\0"), 32)
    places = b""
    for name, data in chunks.items():
        places += name.encode() + struct.pack("<QQ", len(file), len(data))
        file += chunk(name, data, 4072)
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(file))
    return file + chunk("ND2 FILEMAP SIGNATURE NAME 0001!", places + end, 32)


FILES = {"CZI": czi(), "ND2": nd2(), "LIF": lif()}
HEADS = {"CZI": b"ZISRAWFILE", "ND2": b"\xda\xce\xbe\x0a", "LIF": b"\x70\0\0\0\x10\0\0\0\x2a"}


def read(data: bytes, max_pixels: int = LIMIT, **selection):
    return decode_image(data, max_pixels=max_pixels, selection=Selection(**selection))


def needs(file_format: str) -> None:
    if importlib.util.find_spec(LIBRARIES[file_format]) is None:
        pytest.skip(f"{LIBRARIES[file_format]}, of the extra microscopes, is not installed")


@pytest.mark.parametrize("file_format", FILES)
def test_each_plane_is_found_by_channel_plane_and_frame(file_format):
    needs(file_format)
    axes = read_axes(FILES[file_format], max_pixels=LIMIT)
    assert (axes.frames, axes.planes, axes.channels) == (FRAMES, PLANES, CHANNELS)
    for frame, plane, channel in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (2, 0, 0), (2, 1, 1)):
        image = read(FILES[file_format], frame=frame, plane=plane, channel=channel)
        assert image.format == file_format
        assert np.array_equal(image.original, numbered()[frame, plane, channel])


@pytest.mark.parametrize("compression", [5, 6])
def test_tiles_of_a_czi_may_be_compressed_by_zstandard(compression):
    needs("CZI")
    image = read(czi(compression), frame=2, plane=1, channel=1)
    assert np.array_equal(image.original, numbered()[2, 1, 1])


@pytest.mark.parametrize(("file_format", "um"), [("CZI", 0.65), ("ND2", 0.65), ("LIF", 0.5)])
def test_the_pixel_size_is_read(file_format, um):
    needs(file_format)
    assert read(FILES[file_format]).pixel_size == PixelSize(pytest.approx(um), file_format)


@pytest.mark.parametrize("file_format", ["CZI", "ND2"])
def test_channels_are_known_by_name(file_format):
    needs(file_format)
    axes = read_axes(FILES[file_format], max_pixels=LIMIT)
    assert axes == Axes(FRAMES, PLANES, CHANNELS, ("BF", "FAM"))
    assert np.array_equal(read(FILES[file_format], channel="fam", plane=0).original, numbered()[0, 0, 1])


@pytest.mark.parametrize("file_format", FILES)
def test_limits_and_options_hold(file_format):
    needs(file_format)
    with pytest.raises(UndecodableImage, match=r"32 x 24 = 768 pixels; the limit is 767"):
        read(FILES[file_format], max_pixels=767, plane=0)
    with pytest.raises(BadRequest, match=r"options\.frame is 3; the file has 3 frames"):
        read(FILES[file_format], frame=3)


@pytest.mark.parametrize("file_format", HEADS)
def test_a_damaged_file_is_422_and_without_the_library_the_extra_is_named(file_format):
    installed = importlib.util.find_spec(LIBRARIES[file_format]) is not None
    expected, message = (
        (UndecodableImage, "damaged") if installed else (UnsupportedImage, "install the extra microscopes")
    )
    with pytest.raises(expected, match=message) as caught:
        read(HEADS[file_format] + bytes(5000))
    assert file_format in caught.value.message
