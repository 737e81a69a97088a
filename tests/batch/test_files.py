"""What inputs name, and pairs of files."""

from __future__ import annotations

import zipfile

import pytest

from batch.files import File, Pair, find_files, pictures
from droplets.errors import BadRequest, UndecodableImage


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.TIF", "deep/c.jpg", "notes.txt", ".hidden.png", "__MACOSX/d.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode())
    return tmp_path / "in"


def names(inputs, out) -> list[str]:
    return [file.name for file in find_files([str(one) for one in inputs], out)]


def test_a_folder_gives_the_pictures_below_it(folder, tmp_path):
    assert names([folder], tmp_path / "out") == ["a.png", "b.TIF", "deep/c.jpg"]


def test_a_pattern_is_expanded_where_the_shell_has_not(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    assert names(["*.png"], tmp_path / "out") == ["a.png"]
    assert names([f"{folder}/**/*.jpg"], tmp_path / "out") == ["deep/c.jpg"]


def test_several_inputs_have_names_below_what_they_share_and_each_file_comes_once(folder, tmp_path):
    inputs = [folder / "deep", folder / "a.png", folder / "a.png", folder / "notes.txt"]
    assert names(inputs, tmp_path / "out") == ["a.png", "deep/c.jpg", "notes.txt"]


def test_results_of_a_run_are_not_its_pictures(folder, tmp_path):
    assert names([folder], folder / "deep") == ["a.png", "b.TIF"]


def test_a_zip_file_gives_its_pictures_but_none_whose_name_leads_elsewhere(tmp_path):
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as zipped:
        for name in ("x/1.png", "2.tif", "../3.png", "/4.png", "readme.md", "__MACOSX/5.png", "c:/6.png"):
            zipped.writestr(name, name)
    files = find_files([str(tmp_path / "day.zip")], tmp_path / "out")
    assert [file.name for file in files] == ["day.zip/2.tif", "day.zip/x/1.png"]
    assert files[1].read() == b"x/1.png"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("gone.png", None, "is not there"), ("*.bmp", None, "No file fits"), ("bad.zip", b"no", "no ZIP file")],
)
def test_an_input_that_cannot_be_used_is_named(tmp_path, name, content, reason):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadRequest, match=reason):
        find_files([str(tmp_path / name)], tmp_path / "out")


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="no picture"):
        find_files([str(tmp_path)], tmp_path / "out")


def test_a_file_that_is_gone_when_it_is_read_is_an_error_of_that_picture(tmp_path):
    with pytest.raises(UndecodableImage, match="cannot be read") as raised:
        File("a.png", tmp_path / "a.png", None, 1, 1).read()
    assert str(tmp_path) not in raised.value.message


def file(name: str) -> File:
    return File(name, name, None, 1, 1)


def test_pairs_are_put_together_by_what_their_names_share():
    files = [file(name) for name in ("d/1_bf.png", "d/1_fl.png", "2_bf.png", "3_fl.png", "map.png")]
    listing = pictures(files, Pair.parse("{}_bf.png:{}_fl.png"))
    (pair,) = listing.pictures
    assert (pair.name, *(light.name for light in pair.fluorescence)) == ("d/1_bf.png", "d/1_fl.png")
    assert [one.name for one in listing.alone] == ["2_bf.png", "3_fl.png"]
    assert [one.name for one in listing.left_out] == ["map.png"]


def test_a_picture_can_name_its_fluorescence_whatever_the_pair_says():
    files = [file(name) for name in ("a.png", "a_1.png", "a_2.png", "b_bf.png", "b_fl.png")]
    own = {"a.png": ["a_2.png", "a_1.png"], "b_bf.png": []}
    listing = pictures(files, Pair.parse("{}_bf.png:{}_fl.png"), own)
    named = {one.name: [light.name for light in one.fluorescence] for one in listing.pictures}
    assert named == {"a.png": ["a_2.png", "a_1.png"], "b_bf.png": ["b_fl.png"]}
    with pytest.raises(BadRequest, match=r"c\.png"):
        pictures(files, None, {"a.png": ["c.png"]})


def test_signs_of_patterns_mean_themselves():
    listing = pictures([file("a+.png"), file("aa.png")], Pair.parse("{}+.png:{}a.png"))
    assert [picture.name for picture in listing.pictures] == ["a+.png"]


@pytest.mark.parametrize("text", ["bf", "{}_bf", "{}:{}:{}", "a:b", "{}{}:{}"])
def test_a_pair_of_anything_else_is_refused(text):
    with pytest.raises(BadRequest, match="two patterns"):
        Pair.parse(text)
