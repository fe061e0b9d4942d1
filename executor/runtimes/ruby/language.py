"""Ruby as a language of functions: where its programs are, what starts one, what its environment holds."""

import re
from functools import lru_cache
from pathlib import Path

from executor.driver import ChannelKind
from executor.language import Installation, Language, Place
from executor.programs import Search, find
from executor.revision import FunctionConfig

BOOTSTRAP = Path(__file__).with_name("bootstrap.rb")

_PROBE = 'print %({"release": "#{RUBY_VERSION}", "home": "#{RbConfig::CONFIG["prefix"]}"}) if RUBY_ENGINE == "ruby"'

_SEARCH = Search(
    language="ruby",
    names=re.compile(r"ruby-?\d*(\.\d+)*"),
    folders=(
        "/opt/*/bin",
        "/opt/rubies/*/bin",
        "~/.rubies/*/bin",
        "~/.rbenv/versions/*/bin",
        "~/.rvm/rubies/*/bin",
        "~/.asdf/installs/ruby/*/bin",
        "~/.local/share/mise/installs/ruby/*/bin",
    ),
    probe=("--disable=gems", "-rrbconfig", "-e", _PROBE),
    oldest=(2, 7),  # AWS's oldest that still runs functions; the bootstrap is kept working down to here
)


@lru_cache(maxsize=4)
def _find(cache: Path | None) -> tuple[Installation, ...]:
    return find(_SEARCH, cache)


def _command(installation: Installation, place: Place, _config: FunctionConfig) -> list[str]:
    return [str(installation.path), f"{place.files}/{BOOTSTRAP.name}"]


def _variables(installation: Installation, place: Place, _config: FunctionConfig) -> dict[str, str]:
    """Source: Lambda Developer Guide, "Defined runtime environment variables"; layers' folders as on Lambda.

    ``RUBYLIB`` lacks the function's folder: there it would hide what the bootstrap itself needs. The bootstrap adds it.
    """
    major, minor = (*installation.version, 0, 0)[:2]
    abi = f"{major}.{minor}.0"  # what RubyGems and Bundler name their folders by
    return {
        "GEM_PATH": f"{place.task}/vendor/bundle/ruby/{abi}:/opt/ruby/gems/{abi}",
        "RUBYLIB": "/opt/ruby/lib",
    }


def _no_folder(_state: Path, _installation: Installation) -> Path | None:
    return None


RUBY = Language(
    name="ruby",
    channel=ChannelKind.SOCKET,
    files=(BOOTSTRAP,),
    find=_find,
    command=_command,
    variables=_variables,
    runtime_folder=_no_folder,
    install="install Ruby 2.7 or newer",
)
