"""Base R reads the tables of digital PCR as docs/labs/batch.md describes them, and computes the same."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

from batch.folder import OutFolder
from batch.plate import NO_PLATE
from batch.record import MadeWith, Record, dye_figures
from batch.wells import write_wells
from droplets.analysis import Analysis
from droplets.ddpcr.evaluate import digital_pcr
from droplets.ddpcr.options import DdpcrOptions
from droplets.export.table import csv_table
from tests.batch.test_wells import row
from tests.droplets.pairs import pair

RSCRIPT = shutil.which("Rscript")
COUNTED = """
args <- commandArgs(trailingOnly = TRUE)
droplets <- read.csv(args[1])
called <- droplets$positive[!is.na(droplets$positive)]
exact <- binom.test(sum(called), length(called))$conf.int
cat(length(called), sum(called), -log(1 - c(mean(called), exact)), "\\n")
wells <- read.csv(args[2])
cat(wells$n[1], wells$positives[1], wells$lambda[1], wells$lambda_low[1], wells$lambda_high[1], "\\n")
amplitudes <- read.csv(args[3], check.names = FALSE)
stopifnot(identical(names(amplitudes), c("Ch1 Amplitude", "Ch2 Amplitude", "Cluster")))
cat(nrow(amplitudes), sum(amplitudes$Cluster %in% c(2, 3)), range(amplitudes[["Ch1 Amplitude"]]), "\\n")
"""


@pytest.mark.skipif(RSCRIPT is None, reason="Rscript is not on PATH (Debian: r-base-core)")
def test_base_r_reads_the_tables_and_gives_the_same_lambda_and_interval(tmp_path: Path):
    first, second = (
        pair(size=256, positives=0.3, seed=1),
        pair(size=256, positives=0.2, negative=1200.0, seed=1),
    )
    planes = [first.fluorescence, second.fluorescence]
    result, droplets = digital_pcr(
        first.droplets, planes, DdpcrOptions(registration="none"), None, same_frame=False
    )
    analysis = Analysis(droplets, len(droplets), {}, {}, ddpcr=result)
    made_with = MadeWith("1", "checkpoint", "cpu", "float32", "torch")
    record = Record(row("A01"), (), "digest", (), made_with, dye_figures(result))
    folder = OutFolder(tmp_path)
    with folder.held():
        folder.put("A01", {"droplets.csv": csv_table(analysis).encode()})
        write_wells(folder, [record], NO_PLATE)
    tables = [
        folder.of("A01") / "droplets.csv",
        tmp_path / "wells.csv",
        tmp_path / "amplitudes/A01_Amplitude.csv",
    ]
    done = subprocess.run(
        [str(RSCRIPT), "--vanilla", "-e", COUNTED, *map(str, tables)],
        capture_output=True,
        text=True,
        check=True,
    )
    counted, well, amplitudes = ([float(one) for one in line.split()] for line in done.stdout.splitlines())
    copies = result.concentration.copies_per_droplet
    ours = [result.n, result.positives, copies.value, copies.low, copies.high]
    assert counted == pytest.approx(ours, rel=1e-5)
    assert well == pytest.approx(ours, rel=1e-5)
    with tables[2].open(newline="") as file:
        light = [float(one["Ch1 Amplitude"]) for one in csv.DictReader(file)]
    assert amplitudes == pytest.approx([result.n, result.positives, min(light), max(light)], rel=1e-5)
