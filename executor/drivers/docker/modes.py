"""Which container fits a function, and whether one that waits already can become it. Pure."""

from executor.driver import ChannelKind, EnvironmentShape, StartError, StartMode
from executor.drivers.docker.network.plan import egress_of
from executor.drivers.docker.programs import IMAGE, program_of
from executor.drivers.docker.variables import acts_at_start
from executor.language import language_name
from executor.languages import language_of
from executor.revision import FunctionConfig, Revision

# Their interpreters size their heap when they start.
_HEAP_AT_START = frozenset({"nodejs"})


def channel_kind(config: FunctionConfig) -> ChannelKind:
    """Our own bootstraps take the socket; official clients know only a host and a port."""
    if config.runtime == IMAGE:
        return ChannelKind.HOST
    try:
        return program_of(config).channel
    except StartError:  # said when it is started
        return ChannelKind.SOCKET


def shape_of(revision: Revision, *, arch: str) -> EnvironmentShape:
    config = revision.config
    by_host = channel_kind(config) is ChannelKind.HOST
    has_heap = language_name(config.runtime) in _HEAP_AT_START
    return EnvironmentShape(
        runtime=config.runtime,
        storage_mb=config.storage_mb,
        arch=arch,
        egress=egress_of(config.network, by_host=by_host),
        image=revision.image,
        networks=config.network.join,
        memory_class_mb=config.memory_mb if has_heap else None,
        sandbox=config.sandbox,
    )


def start_mode(config: FunctionConfig) -> StartMode:
    """Warm only if nothing of the function acts when a process starts, or when a container does."""
    if config.runtime == IMAGE or config.volumes or config.sandbox is not None:
        return StartMode.DIRECT
    try:
        takes_slots = program_of(config).takes_slots
    except StartError:
        return StartMode.DIRECT
    if not takes_slots:
        return StartMode.DIRECT
    if not acts_at_start(config.environment):
        return StartMode.WARM
    language = language_of(config.runtime)
    return StartMode.EXEC if language is None or language.can_exec(config.runtime) else StartMode.DIRECT
