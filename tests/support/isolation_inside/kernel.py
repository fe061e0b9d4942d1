"""What of the kernel and of the machine's resources a function may not use."""

import ctypes
import errno
import os
import socket
import stat
import struct
import threading

from trying import LIBC, Denied, checked, probe, syscall, write

X86 = os.uname().machine == "x86_64"
# System calls without a wrapper: x86-64, then the numbers that all newer architectures share.
BPF, KEYCTL, PERF_EVENT_OPEN, FINIT_MODULE, REBOOT = (
    (321, 250, 298, 313, 169) if X86 else (280, 219, 241, 273, 142)
)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000


@probe
def many_processes(facts):
    """Threads count as processes do."""
    threading.stack_size(1 << 16)
    end = threading.Event()
    count = 0
    try:
        for _ in range(1200):
            threading.Thread(target=end.wait, daemon=True).start()
            count += 1
    finally:
        end.set()
        if count < 900:
            raise AssertionError(f"only {count}: another limit than that of processes")
    return f"{count} threads"


@probe
def many_open_files(facts):
    held = []
    try:
        for _ in range(1200):
            held.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for fd in held:
            os.close(fd)
        if len(held) < 900:
            raise AssertionError(f"only {len(held)}")
    return f"{len(held)} files"


@probe
def raise_priority(facts):
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    return "raised"


@probe
def write_cgroup(facts):
    """Versions 1 and 2, seen from the container's own group or from the machine's."""
    folder = "/sys/fs/cgroup"
    names = ("memory/memory.limit_in_bytes", "memory/cgroup.procs", "memory.max", "cgroup.procs")
    path = next(path for path in (f"{folder}/{name}" for name in names) if os.path.exists(path))
    os.close(os.open(path, os.O_WRONLY))
    return path


@probe
def mount_file_system(facts):
    os.makedirs("/tmp/probe-mount", exist_ok=True)
    checked(LIBC.mount(b"none", b"/tmp/probe-mount", b"tmpfs", 0, None))
    checked(LIBC.umount2(b"/tmp/probe-mount", 0))
    return "mounted"


@probe
def unmount_file_system(facts):
    checked(LIBC.umount2(b"/dev/mqueue", 0))
    return "unmounted"


@probe
def new_mount_namespace(facts):
    checked(LIBC.unshare(CLONE_NEWNS))
    return "made"


@probe
def new_user_namespace(facts):
    checked(LIBC.unshare(CLONE_NEWUSER))
    return "made"


@probe
def new_network_namespace(facts):
    checked(LIBC.unshare(CLONE_NEWNET))
    return "made"


@probe
def enter_namespace(facts):
    """One that is its own: the kernel asks for rights all the same."""
    with open("/proc/self/ns/net") as file:
        checked(LIBC.setns(file.fileno(), 0))
    return "entered"


@probe
def change_root(facts):
    os.chroot("/tmp")
    return "changed"


@probe
def make_device(facts):
    os.mknod("/tmp/probe-device", 0o600 | stat.S_IFBLK, os.makedev(7, 0))
    return "made"


@probe
def open_device(facts):
    for name in ("/dev/mem", "/dev/kmsg", "/dev/loop-control", "/dev/fuse", "/dev/net/tun"):
        try:
            os.close(os.open(name, os.O_RDONLY))
        except OSError:
            continue
        return name
    usual = {
        "core",
        "fd",
        "full",
        "mqueue",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
    }
    more = set(os.listdir("/dev")) - usual
    if more:
        return str(more)
    raise Denied("only the usual ones")


@probe
def program_kernel(facts):
    """BPF_MAP_CREATE of an array of one."""
    attributes = ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 72)
    return syscall(BPF, 0, attributes, 72)


@probe
def use_keyrings(facts):
    """KEYCTL_GET_KEYRING_ID of the session's; keyrings are not parted by namespaces."""
    return syscall(KEYCTL, 0, -3, 1)


@probe
def watch_performance(facts):
    """A software counter of this very process."""
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0), 112)
    return syscall(PERF_EVENT_OPEN, attributes, 0, -1, -1, 0)


@probe
def load_module(facts):
    """A kernel without modules says so only to who may ask."""
    return syscall(FINIT_MODULE, -1, b"", 0, allowed=(errno.EBADF, errno.ENOEXEC, errno.ENOSYS))


@probe
def reboot_machine(facts):
    """With a command that does not exist: rights are looked at before it."""
    return syscall(REBOOT, 0xFEE1DEAD, 672274793, 0x12345678, None, allowed=(errno.EINVAL,))


@probe
def swap_on(facts):
    with open("/tmp/probe-swap", "wb") as file:
        file.write(b"\0" * 40960)
    result = LIBC.swapon(b"/tmp/probe-swap", 0)
    if result == -1 and ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS):
        return "passed"  # it is no swap space, which is seen after the rights
    checked(result)
    return "on"


@probe
def read_kernel_log(facts):
    buffer = ctypes.create_string_buffer(4096)
    return f"{checked(LIBC.klogctl(3, buffer, 4096))} bytes"


@probe
def set_time(facts):
    """To what it is: the length of a tick, read and written back."""
    state = ctypes.create_string_buffer(256)
    checked(LIBC.adjtimex(state))
    tick_at = 88
    (tick,) = struct.unpack_from("q", state, tick_at)
    assert 9000 <= tick <= 11000, tick
    struct.pack_into("I", state, 0, 0x4000)  # ADJ_TICK
    checked(LIBC.adjtimex(state))
    return "set"


@probe
def set_host_name(facts):
    name = socket.gethostname().encode()
    checked(LIBC.sethostname(name, len(name)))
    return "set"


@probe
def write_sysctl(facts):
    path = "/proc/sys/net/ipv4/ip_default_ttl"  # of its own network namespace
    with open(path) as file:
        value = file.read()
    return write(path, value.encode())


@probe
def write_sysfs(facts):
    os.close(os.open("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY))
    return "opened"


@probe
def read_interrupts(facts):
    """What keys are typed and when packets come, on the whole machine."""
    with open("/proc/interrupts", "rb") as file:
        if not file.read(4):
            raise Denied("empty")
    return "read"


@probe
def read_keys(facts):
    with open("/proc/keys") as file:
        if not file.read(1):
            raise Denied("empty")
    return "read"
