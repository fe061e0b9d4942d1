"""Opens an environment's or slot's channel as its driver wants to reach it."""

from executor.driver import ChannelAddress, ChannelKind
from executor.runtime_api.contract import Channel
from executor.runtime_api.server import RuntimeApi


async def open_channel(api: RuntimeApi, kind: ChannelKind, number: int) -> tuple[Channel, ChannelAddress]:
    """:raises OSError: there is no room for it."""
    if kind is ChannelKind.SOCKET:
        on_socket = await api.open_socket(number)
        return on_socket, ChannelAddress(kind=kind, folder=on_socket.folder)
    if kind is ChannelKind.PORT:
        on_port = await api.open_port(number)
        return on_port, ChannelAddress(kind=kind, port=on_port.port, admit=on_port.admit)
    on_host = await api.open_host(number)
    return on_host, ChannelAddress(
        kind=kind, host=on_host.name, port=on_host.port, admit_peer=on_host.admit_peer
    )
