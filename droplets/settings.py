"""All tuned numbers that `pipeline.analyze` hands down, by stage."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.annotations.settings import AnnotationSettings
from droplets.boundaries.settings import EdgeSettings
from droplets.contents.settings import ContentSettings
from droplets.context import Around
from droplets.ddpcr.settings import DdpcrSettings
from droplets.objects.settings import ObjectSettings


@dataclass(frozen=True)
class StageSettings:
    """Settings of each stage; those of finding go with the model, see `droplets.finding.one_pass.Looking`."""

    annotations: AnnotationSettings = AnnotationSettings()
    around: Around = Around()
    edges: EdgeSettings = EdgeSettings()
    objects: ObjectSettings = ObjectSettings()
    contents: ContentSettings = ContentSettings()
    ddpcr: DdpcrSettings = DdpcrSettings()
