"""What functions in containers may reach: `Networks` makes the bridges, plans each container, sets the rules."""

from executor.drivers.docker.network.allowed import parse_allowed
from executor.drivers.docker.network.networks import RUNTIME_API_PORT, Networks
from executor.drivers.docker.network.plan import NetworkPlan, egress_of

__all__ = ["RUNTIME_API_PORT", "NetworkPlan", "Networks", "egress_of", "parse_allowed"]
