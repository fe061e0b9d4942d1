"""Reading routes.yaml: strict grammar, every problem at once with its place, typed and resolved values."""

from lockgate.config.loader import Loaded, load
from lockgate.config.packages import foreign_packages
from lockgate.config.problems import Problem, as_json, render_text

__all__ = ["Loaded", "Problem", "as_json", "foreign_packages", "load", "render_text"]
