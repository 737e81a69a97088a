"""Digital PCR over rendered pairs whose positives are known."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from droplets.ddpcr.evaluate import digital_pcr
from droplets.ddpcr.options import DdpcrOptions
from droplets.ddpcr.planes import fluorescence_plane
from droplets.ddpcr.result import DigitalPcr
from droplets.errors import BadRequest
from droplets.types import Droplet, PixelSize
from tests.droplets.pairs import Pair, pair
from tests.droplets.shapes import disc, ellipse, measured, picture

ALIGNED = DdpcrOptions(registration="none")


def evaluate(truth: Pair, options: DdpcrOptions = ALIGNED, size: PixelSize | None = None):
    return digital_pcr(truth.droplets, [truth.fluorescence], options, size, same_frame=False)


def told(droplets: list[Droplet], truth: Pair) -> list[tuple[bool | None, bool]]:
    """Found and true state of each droplet that counts."""
    return [
        (found.fluorescence.positive, true.positive)
        for found, true in zip(droplets, truth.truth, strict=True)
        if found.fluorescence
    ]


def said(result: DigitalPcr, word: str) -> bool:
    return any(word in warning for warning in result.warnings)


@pytest.mark.parametrize("lattice", [False, True])
@pytest.mark.parametrize("positives", [0.04, 0.5, 0.9])
def test_every_droplet_is_told_right_after_shift_and_drift(lattice, positives):
    truth = pair(size=420, lattice=lattice, positives=positives, shift=(-20, 15), drift=3, seed=3)
    result, droplets = evaluate(truth, DdpcrOptions())
    counted = told(droplets, truth)
    assert all(found == true for found, true in counted)
    assert result.n == len(counted)
    assert abs(result.n - truth.counted.sum()) <= 4
    assert result.positives == sum(true for _, true in counted)
    assert result.threshold_source == "automatic"
    assert result.separation.resolution > 1


def test_the_interval_covers_the_truth_of_repeated_renderings():
    covered = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        truth = pair(size=256, positives=float(random.binomial(600, 1 - math.exp(-0.3)) / 600), seed=seed)
        found = evaluate(truth)[0].concentration.copies_per_droplet
        covered.append(found.low <= 0.3 <= found.high)
    assert sum(covered) >= 11


def test_copies_per_microlitre_come_from_the_droplets_volume():
    truth = pair(size=256, positives=0.5, cv=0, seed=1)
    result, _ = evaluate(truth, size=PixelSize(2.0, "request"))
    ball = math.pi / 6 * 48**3 / 1000  # picolitres in 24 pixels of 2 um
    assert result.volume.mean == pytest.approx(ball, rel=0.02)
    copies = result.concentration.copies_per_droplet.value
    assert result.concentration.copies_per_ul.value == pytest.approx(copies / result.volume.mean * 1e6)
    assert evaluate(truth)[0].concentration.copies_per_ul.value is None


def test_beads_and_cut_droplets_are_no_partitions():
    truth = pair(size=256, positives=0.5, seed=2)
    grey = truth.fluorescence
    first = truth.truth[0]
    bead = measured(disc(first.x, first.y, 3), grey, kind="bead", parent=0)
    cut = measured(disc(12, 100, 12.4), grey)
    assert cut.border.touching
    whole = evaluate(truth)[0]
    result, droplets = evaluate(replace(truth, droplets=[*truth.droplets, bead, cut]))
    assert result.n == whole.n
    assert droplets[-1].fluorescence is droplets[-2].fluorescence is None


def test_specks_and_what_is_out_of_round_are_no_partitions():
    truth = pair(size=256, positives=0.5, seed=2)
    spots = [measured(disc(x, y, 3), truth.fluorescence) for x in range(20, 240, 6) for y in (30, 120, 200)]
    long = measured(ellipse(120, 60, 24, 8), truth.fluorescence)
    result, droplets = evaluate(replace(truth, droplets=[*truth.droplets, *spots, long]))
    assert result.n == evaluate(truth)[0].n
    assert (result.excluded["debris"], result.excluded["deformed"]) == (len(spots), 1)
    assert all(droplet.fluorescence is None for droplet in droplets[len(truth.droplets) :])
    assert said(result, f"{len(spots)} debris, 1 deformed")


@pytest.mark.parametrize(("kept", "value"), [(0.8, True), (0.2, False)])
def test_missed_negatives_are_said_and_bound_lambda(kept, value):
    truth = pair(size=384, lattice=True, positives=0.3, seed=3)
    random = np.random.default_rng(0)
    seen = [one.positive or random.random() < kept for one in truth.truth]
    result, _ = evaluate(
        replace(truth, droplets=[one for one, there in zip(truth.droplets, seen, strict=True) if there])
    )
    true = evaluate(truth)[0].concentration.copies_per_droplet.value
    found = result.concentration.copies_per_droplet
    assert result.missed > 0.1 * result.n
    assert said(result, "Negatives may be missed")
    assert (found.value is not None) == value
    assert found.low < true < found.high


@pytest.mark.parametrize("places", [{"lattice": True}, {"fill": 0.2}])
def test_true_holes_are_no_missed_negatives(places):
    result, _ = evaluate(pair(size=384, positives=0.3, seed=3, **places))
    assert not said(result, "missed")


def test_all_negative():
    result, _ = evaluate(pair(size=256, positives=0, negative=150, seed=3))
    assert (result.positives, result.concentration.p.value) == (0, 0)
    assert said(result, "one population")
    assert said(result, "No droplet is positive")


def test_all_positive():
    result, _ = evaluate(pair(size=256, positives=1, positive=30000, seed=3))
    assert result.positives == result.n
    assert result.concentration.copies_per_droplet.value is None
    assert said(result, "one population")
    assert said(result, "Every droplet is positive")


@pytest.mark.parametrize("positives", [0.2, 0.9])
def test_a_dozen_droplets_with_a_plain_gap_are_told_with_a_wide_interval(positives):
    truth = pair(size=256, radius=25.0, positives=positives, seed=6)
    some = replace(truth, droplets=truth.droplets[:16], truth=truth.truth[:16])
    result, droplets = evaluate(some)
    assert all(found == true for found, true in told(droplets, some))
    assert 8 <= result.n <= 16
    assert result.concentration.p.high - result.concentration.p.low > 0.2
    assert not said(result, "one population")


def test_too_few_droplets_to_look_for_two_populations_are_left_open():
    truth = pair(size=256, radius=25.0, positives=0.5, seed=6)
    some = replace(truth, droplets=truth.droplets[:5], truth=truth.truth[:5])
    assert evaluate(some)[0].positives is None
    assert evaluate(some, DdpcrOptions(registration="none", threshold=3000.0))[0].positives is not None


def test_one_population_of_middling_light_is_left_open():
    result, droplets = evaluate(pair(size=256, positives=0, negative=900, seed=3))
    assert result.positives is result.concentration.p.value is None
    assert said(result, "nothing tells")
    lit = [d.fluorescence for d in droplets if d.fluorescence]
    assert lit
    assert all(light.positive is None for light in lit)


@pytest.mark.parametrize(("threshold", "share"), [(3000.0, 0), (100.0, 1)])
def test_a_threshold_of_the_clients_own_decides(threshold, share):
    options = DdpcrOptions(registration="none", threshold=threshold)
    result, _ = evaluate(pair(size=256, positives=0, negative=900, seed=3), options)
    assert (result.positives, result.threshold) == (share * result.n, threshold)
    assert result.threshold_source == "request"


def test_a_control_without_template_gives_the_threshold():
    negatives = [
        light.amplitude for d in evaluate(pair(size=256, positives=0, seed=8))[1] if (light := d.fluorescence)
    ]
    mean, deviation = float(np.mean(negatives)), float(np.std(negatives))
    truth = pair(size=256, positives=0.3, seed=9)
    options = DdpcrOptions.parse(
        {"registration": "none", "dyes": [{"name": "FAM", "blank": [mean, deviation]}]}, "options.ddpcr"
    )
    result, droplets = evaluate(truth, options)
    assert result.threshold == pytest.approx(mean + 3 * deviation)
    assert (result.threshold_source, result.name) == ("blank", "FAM")
    assert np.mean([found == true for found, true in told(droplets, truth)]) > 0.98
    with pytest.raises(BadRequest, match="leave one"):
        DdpcrOptions.parse({"dyes": [{"threshold": 1.0, "blank": [1.0, 1.0]}]}, "options.ddpcr")


def test_saturated_positives_are_counted_and_said():
    truth = pair(size=256, positives=0.2, positive=60000, seed=4)
    clipped = replace(truth, fluorescence=np.minimum(truth.fluorescence, 4095))  # a 12-bit camera
    result, droplets = evaluate(clipped)
    assert result.positives == sum(true for _, true in told(droplets, truth))
    assert said(result, "saturated")


def test_uneven_light_moves_no_droplet():
    truth = pair(size=384, positives=0.1, seed=5)
    fall = np.linspace(1, 0.25, 384)[:, None]
    _, droplets = evaluate(replace(truth, fluorescence=truth.fluorescence * fall))
    assert all(found == true for found, true in told(droplets, truth))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"cv": 0.15, "fill": 0.4}, "volumes differ"),
        ({"radius": 30.0}, "droplets count"),
        ({"spread": 0.5, "positive": 2500.0}, "Rain"),
    ],
)
def test_what_weakens_the_result_is_said(options, word):
    truth = pair(size=256, **{"positives": 0.4, "seed": 6, **options})
    wanted = DdpcrOptions(registration="none", threshold=1500.0)
    assert said(evaluate(truth, wanted)[0], word)
    assert not said(evaluate(pair(size=384, positives=0.4, seed=6), wanted)[0], word)


def test_a_small_common_field_and_a_poor_registration_are_said():
    truth = pair(size=256, positives=0.4, seed=7)
    noise = np.random.default_rng(7).normal(1000, 30, (256, 256)).astype(np.uint16)
    assert said(evaluate(replace(truth, fluorescence=noise), DdpcrOptions())[0], "registration may be wrong")
    beads = [replace(d, border=replace(d.border, left=0)) for d in truth.droplets[::2]]
    assert said(evaluate(replace(truth, droplets=beads + truth.droplets[1:20]))[0], "common field")


def test_no_droplets_give_no_figures():
    result, droplets = digital_pcr([], [np.ones((64, 64), np.uint8)], DdpcrOptions(), None, same_frame=False)
    assert (result.n, result.positives, droplets) == (0, None, [])


class TestPlane:
    grey = picture(np.arange(64 * 48, dtype=np.uint16).reshape(48, 64), 16)
    colour = picture(np.random.default_rng(0).integers(0, (9, 99, 30), (48, 64, 3)).astype(np.uint8))

    def test_stored_values_are_kept(self):
        assert fluorescence_plane(self.colour, self.grey, DdpcrOptions()) is self.grey.original

    @pytest.mark.parametrize(("channel", "index"), [("red", 0), ("blue", 2), (1, 1)])
    def test_a_channel_by_name_or_index(self, channel, index):
        for second in (None, self.colour):
            plane = fluorescence_plane(self.colour, second, DdpcrOptions(channel=channel))
            assert np.array_equal(plane, self.colour.original[..., index])

    def test_the_channel_that_varies_most(self):
        plane = fluorescence_plane(self.grey, self.colour, DdpcrOptions())
        assert np.array_equal(plane, self.colour.original[..., 1])

    @pytest.mark.parametrize("factor", [2, 3])
    def test_a_binned_picture_is_scaled_up_by_its_factor(self, factor):
        small = picture(self.grey.original[: 48 // factor, : 64 // factor], 16)
        plane = fluorescence_plane(self.grey, small, DdpcrOptions())
        assert plane.shape == (48, 64)
        assert plane[factor, 2 * factor] == small.original[1, 2]

    def test_a_binned_pair_counts_as_the_whole_one(self):
        truth = pair(size=256, positives=0.3, seed=1)
        binned = truth.fluorescence.reshape(128, 2, 128, 2).mean(axis=(1, 3)).astype(np.uint16)
        plane = fluorescence_plane(
            picture(truth.brightfield), picture((binned >> 8).astype(np.uint8)), DdpcrOptions()
        )
        whole, found = evaluate(truth)[0], evaluate(replace(truth, fluorescence=plane))[0]
        assert (found.n, found.positives) == (whole.n, whole.positives)

    def test_a_green_dye_is_measured_and_false_colours_are_refused(self):
        light = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
        green = np.stack([light // 4, light, light // 8], axis=2)
        like = picture(np.zeros((64, 256), np.uint8))
        assert np.array_equal(fluorescence_plane(like, picture(green), DdpcrOptions()), light)
        labelled = np.tile(green, (4, 4, 1))
        labelled[:2, ::4] = [(116, 191, 255), (72, 156, 224)] * 128  # of a scale bar's letters
        wide = picture(np.zeros(labelled.shape[:2], np.uint8))
        assert np.array_equal(fluorescence_plane(wide, picture(labelled), DdpcrOptions()), labelled[..., 1])
        fire = cv2.applyColorMap(light, cv2.COLORMAP_JET)
        for options in (DdpcrOptions(), DdpcrOptions(channel="red")):
            with pytest.raises(BadRequest, match="false colours"):
                fluorescence_plane(like, picture(fire), options)

    @pytest.mark.parametrize(
        ("image", "second", "options", "word"),
        [
            (grey, picture(np.zeros((48, 65), np.uint8)), {}, "64 x 48"),
            (grey, None, {}, "second picture"),
            (colour, None, {}, "channel"),
            (colour, grey, {"channel": "red"}, "grey"),
        ],
    )
    def test_what_cannot_be_is_refused(self, image, second, options, word):
        with pytest.raises(BadRequest, match=word):
            fluorescence_plane(image, second, DdpcrOptions(**options))


def test_a_nominal_volume_counts_and_is_compared_with_the_measured_one():
    truth, size = pair(size=256, positives=0.5, cv=0, seed=1), PixelSize(2.0, "request")
    measured_pl = evaluate(truth, size=size)[0].volume.mean
    for nominal, differs in ((measured_pl, False), (2 * measured_pl, True)):
        result, _ = evaluate(truth, DdpcrOptions(registration="none", partition_pl=nominal), size)
        copies, per_ul = result.concentration.copies_per_droplet, result.concentration.copies_per_ul
        assert per_ul.value == pytest.approx(1e6 * copies.value / nominal)
        assert per_ul.low == pytest.approx(1e6 * copies.low / nominal)
        assert said(result, "not the nominal") == differs
