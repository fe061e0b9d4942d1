"""What all models of the grammar share: frozen, strict, no unknown keys, no values in ``repr``."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A mapping with fixed keys. Field names carry units; the file's names are the aliases."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def __repr__(self) -> str:
        """Names of the keys that were set; never values, which may be secrets."""
        return f"<{type(self).__name__} {' '.join(sorted(self.model_fields_set))}>"

    __str__ = __repr__


def refuse(code: str, reason: str, suggestion: str = "") -> PydanticCustomError:
    """An error that reaches the user as a problem with *code*."""
    # Pydantic's typing wants a literal template so that it can be translated; ours has no other words.
    return PydanticCustomError(code, "{reason}", {"reason": reason, "suggestion": suggestion})
