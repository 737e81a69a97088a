"""Base of everything a client may set: strict types, no unknown names, no NaN, a line of explanation each."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from droplets.errors import BadRequest


class Parameters(BaseModel):
    """A group of settings. Every field has a default and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def parse(cls, value: Any, group: str) -> Self:
        """Check a client's JSON object.

        Arguments:
            value: the decoded JSON.
            group: its name in the request, for the message.

        Raises:
            BadRequest: names the first field that is unknown, of a wrong type or out of range.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join([group, *(str(part) for part in first["loc"])])
            raise BadRequest(_explain(cls, where, first["type"], first["msg"])) from None


def _explain(cls: type[BaseModel], where: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"{where} is not known; known are: {', '.join(cls.model_fields)}."
    if kind == "model_type":
        return f"{where} must be a JSON object."
    return f"{where}: {message.removeprefix('Value error, ')}."
