"""JSON of the answers: strict, as they stand, compact."""

from __future__ import annotations

from typing import Any

from flask.json.provider import DefaultJSONProvider


class StrictJSONProvider(DefaultJSONProvider):
    """Keeps the order of fields, and refuses NaN and infinities, which are no JSON."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """JSON text of `obj`."""
        return super().dumps(obj, allow_nan=False, **kwargs)
