"""Outlines as an ImageJ ROI set, which Fiji's ROI Manager opens on the same pixels.

ImageJ's integer coordinates are pixel corners, as in outlines.py. A part without holes is a traced
ROI, what ImageJ's own wand makes; a mask of several parts or with holes is a composite ROI, filled
by the even-odd rule.
"""

from __future__ import annotations

import numpy as np
from roifile import ROI_TYPE, ImagejRoi

from droplets.analysis import Analysis
from droplets.export.archive import archive
from droplets.export.kinds import COLOURS, object_name
from droplets.export.outlines import Ring, outlines
from droplets.types import Kind, Mask

LARGEST = 60535
"""The largest integer coordinate that ImageJ reads; composite ROIs have floating ones."""
MOVE, LINE, CLOSE = 0, 1, 4  # java.awt.geom.PathIterator


def roi_set(analysis: Analysis) -> bytes:
    """ZIP of one ROI an object, named by kind and id, in the colour of its kind.

    It has no group, for which ImageJ would show a colour of its own. Its position is the first slice,
    since the first frame of a file is what was analysed. Its property `found_by` says what found it.
    """
    rois = (_roi(number, droplet.mask, droplet.kind) for number, droplet in enumerate(analysis.droplets))
    return archive({f"{roi.name}.roi": roi.tobytes() for roi in rois})


def _roi(number: int, mask: Mask, kind: Kind) -> ImagejRoi:
    roi = ImagejRoi(
        name=object_name(number, kind),
        left=mask.x,
        top=mask.y,
        right=mask.x + mask.width,
        bottom=mask.y + mask.height,
        stroke_color=bytes((255, *COLOURS[kind])),
        position=1,
        props=f"found_by: {mask.found_by}\n",
    )
    rings = [ring for part in outlines(mask) for ring in part]
    if len(rings) == 1 and max(roi.right, roi.bottom) <= LARGEST:
        roi.roitype = ROI_TYPE.TRACED
        roi.integer_coordinates = (rings[0] - (mask.x, mask.y)).astype(np.int32)
        roi.n_coordinates = len(rings[0])
    else:
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
        roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: Ring) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The ring as a Java path: command, x, y a point, and a command that closes it."""
    path = np.full((len(ring), 3), LINE, np.float32)
    path[0, 0] = MOVE
    path[:, 1:] = ring
    return np.append(path.ravel(), np.float32(CLOSE))
