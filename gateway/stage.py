"""Stages: named ones are the first path segment, ``$default`` has no prefix."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.errors import DeploymentError, NotFound

DEFAULT_STAGE = "$default"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """:param variables: stage variables, as events carry them."""

    name: str = DEFAULT_STAGE
    variables: Mapping[str, str] = field(default_factory=dict)


class StageSet:
    """The stages of one deployment.

    :raises DeploymentError: a bad or repeated name, or no stage at all.
    """

    def __init__(self, stages: Iterable[Stage]) -> None:
        self._named: dict[str, Stage] = {}
        self._default: Stage | None = None
        for stage in stages:
            self._add(stage)
        if self._default is None and not self._named:
            raise DeploymentError("there is no stage")

    def _add(self, stage: Stage) -> None:
        if stage.name == DEFAULT_STAGE and self._default is None:
            self._default = stage
        elif _NAME.fullmatch(stage.name) is None or stage.name in self._named:
            raise DeploymentError(f"{stage.name!r} is not a stage name, or is given twice")
        else:
            self._named[stage.name] = stage

    @property
    def names(self) -> tuple[str, ...]:
        """``$default`` first, if it is there."""
        return (*(() if self._default is None else (DEFAULT_STAGE,)), *self._named)

    def select(self, segments: list[str]) -> tuple[Stage, list[str]]:
        """Choose the stage of a path and give the segments that routes are matched against.

        :raises NotFound: the first segment names no stage and there is no ``$default``.
        """
        named = self._named.get(segments[0])
        if named is not None:
            return named, segments[1:]
        if self._default is None:
            raise NotFound("no stage of that name, and no $default stage")
        return self._default, segments
