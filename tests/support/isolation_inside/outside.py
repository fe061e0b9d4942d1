"""Processes and memory of the machine, and what is on its network."""

import fcntl
import os
import socket
import struct

from trying import LIBC, Denied, checked, connect, probe


@probe
def process_of_the_machine(facts):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if facts["process_mark"].encode() in file.read():
                    return f"process {pid}"
        except OSError:
            continue
    raise Denied("not among /proc")


@probe
def signal_process_of_the_machine(facts):
    os.kill(facts["process_pid"], 0)
    return "signalled"


@probe
def trace_process_of_the_machine(facts):
    pid = facts["process_pid"]
    checked(LIBC.ptrace(16, pid, None, None))  # PTRACE_ATTACH
    os.waitpid(pid, 0x40000000)
    checked(LIBC.ptrace(17, pid, None, None))
    return "traced"


@probe
def shared_memory_of_the_machine(facts):
    checked(LIBC.shmget(facts["shm_key"], 1, 0))
    return "found"


@probe
def secrets_of_the_server(facts):
    canary = facts["canary"].encode()
    for pid in ("self", *filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if canary in file.read():
                    return f"in /proc/{pid}/environ"
        except OSError:
            continue
    raise Denied("in no environment that can be read")


@probe
def raw_socket(facts):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return "made"


@probe
def packet_socket(facts):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    return "made"


@probe
def change_interface(facts):
    """The size of packets, to what it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, 0x8921, struct.pack("16si12x", b"lo", 0))  # SIOCGIFMTU
        fcntl.ioctl(control, 0x8922, request)  # SIOCSIFMTU
    return "changed"


@probe
def loopback_of_the_machine(facts):
    return connect("127.0.0.1", facts["loopback_port"])


@probe
def port_of_the_machine(facts):
    return connect(facts["host"], facts["host_port"])


@probe
def gateway_of_the_bridge(facts):
    """Whichever its own is: the machine by another address."""
    with open("/proc/net/route") as file:
        gateways = [line.split()[2] for line in file if line.split()[1] == "00000000"]
    address = socket.inet_ntoa(bytes.fromhex(gateways[0])[::-1])
    return connect(address, facts["host_port"])


@probe
def metadata_address(facts):
    return connect("169.254.169.254", 80)


@probe
def link_local_address(facts):
    return connect(facts["link_local"], 80)


@probe
def private_address(facts):
    return connect(facts["private"], 5432)


@probe
def another_function(facts):
    return connect(facts["other_address"], 5432)
