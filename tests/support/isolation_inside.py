"""What a function tries in its container: each probe does one forbidden thing and says how it went.

Runs inside: Python's standard library only, and no import of ours. As a function it is called with the facts of the
machine around; in a container without the profile it runs as a program (``python3 isolation_inside.py FACTS``).
A probe returns what it has got, or raises; each runs in a process of its own.
"""

import ctypes
import errno
import fcntl
import json
import os
import select
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
# System calls without a wrapper: x86-64, then the numbers that all newer architectures share.
BPF, KEYCTL, PERF_EVENT_OPEN, FINIT_MODULE, REBOOT, USERFAULTFD = (
    (321, 250, 298, 313, 169, 323) if X86 else (280, 219, 241, 273, 142, 282)
)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
CHANNEL, BOOTSTRAP = "/run/lockgate/channel", "/run/lockgate/runtime"
PROBE_S = 20
PROBES = {}


class Denied(Exception):
    """The thing did not happen, without an error of the system."""


def probe(function):
    PROBES[function.__name__.replace("_", "-")] = function
    return function


def status(name, pid="self"):
    with open(f"/proc/{pid}/status") as file:
        return next(line.split()[1:] for line in file if line.startswith(name + ":"))


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *arguments, allowed=()):
    """:param allowed: errors that come only after the kernel has looked at the caller's rights."""
    result = LIBC.syscall(number, *arguments)
    if result == -1 and ctypes.get_errno() not in allowed:
        checked(result)
    return "passed"


def write(path, data=b"x"):
    with open(path, "wb") as file:
        file.write(data)
    return f"wrote {path}"


def connect(host, port):
    with socket.create_connection((host, port), 3) as connection:
        return connection.recv(5).decode().strip() or "connected"


# --- who it is -----------------------------------------------------------------------------------


@probe
def is_root(facts):
    if os.getuid() and os.geteuid() and os.getgid() and 0 not in os.getgroups():
        raise Denied(f"uid {os.getuid()}")
    return "root"


@probe
def has_capabilities(facts):
    sets = {name: int(status(name)[0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    if not any(sets.values()):
        raise Denied(str(sets))
    return str(sets)


@probe
def may_regain_capabilities(facts):
    """The bounding set: what a program with file capabilities could get."""
    if int(status("CapBnd")[0], 16) == 0:
        raise Denied("empty")
    return status("CapBnd")[0]


@probe
def setuid_program_gains_root(facts):
    """su waits for a password on a pipe; whose rights it has while it does is seen from outside."""
    before = os.geteuid()
    with subprocess.Popen(["/bin/su", "-c", "true"], stdin=-1, stdout=-3, stderr=-3) as process:
        try:
            while process.poll() is None:
                effective = int(status("Uid", process.pid)[1])
                if effective == 0 and before != 0:
                    return "effective uid 0"
                if os.readlink(f"/proc/{process.pid}/exe").endswith("su"):
                    raise Denied(f"effective uid {effective}")
        except (FileNotFoundError, PermissionError):  # a process of root's cannot be looked into
            if before != 0 and process.poll() is None and int(status("Uid", process.pid)[1]) == 0:
                return "effective uid 0"
            raise
        finally:
            process.kill()
    raise Denied("it ended")


@probe
def new_privileges(facts):
    if status("NoNewPrivs") == ["1"]:
        raise Denied("no_new_privs")
    return "exec may add rights"


# --- files ---------------------------------------------------------------------------------------


@probe
def write_root(facts):
    """A folder that everybody may write, were the file system not read-only."""
    assert os.stat("/var/tmp").st_mode & stat.S_IWOTH
    return write("/var/tmp/probe")


@probe
def write_code(facts):
    return write("/var/task/probe")


@probe
def write_layers(facts):
    return write("/opt/probe")


@probe
def write_bootstrap(facts):
    return write(f"{BOOTSTRAP}/probe")


@probe
def write_channel(facts):
    return write(f"{CHANNEL}/probe")


@probe
def replace_socket(facts):
    """Whoever owns the name answers the bootstrap of the next function."""
    path = f"{CHANNEL}/api.sock"
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    return "replaced"


@probe
def overfill_tmp(facts):
    wanted = facts["storage_mb"] * 3 // 2
    block = b"\1" * (1 << 20)
    try:
        with open("/tmp/probe-large", "wb") as file:
            for _ in range(wanted):
                file.write(block)
    finally:
        size = os.stat("/tmp/probe-large").st_size
        os.unlink("/tmp/probe-large")
    return f"wrote {size >> 20} MB"


@probe
def setuid_files_in_tmp(facts):
    if os.statvfs("/tmp").f_flag & os.ST_NOSUID:
        raise Denied("nosuid")
    return "honoured"


@probe
def devices_in_tmp(facts):
    if os.statvfs("/tmp").f_flag & os.ST_NODEV:
        raise Denied("nodev")
    return "honoured"


@probe
def fill_shared_memory(facts):
    try:
        return write("/dev/shm/probe", b"\1" * (8 << 20))
    finally:
        if os.path.exists("/dev/shm/probe"):
            os.unlink("/dev/shm/probe")


@probe
def file_of_the_machine(facts):
    with open(facts["secret_file"]) as file:
        return file.read()


@probe
def channel_of_another(facts):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(facts["other_channel"])
    return "connected"


@probe
def engine_socket(facts):
    for path in ("/var/run/docker.sock", "/run/docker.sock"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
    return "connected"


# --- how much ------------------------------------------------------------------------------------


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


# --- the kernel ----------------------------------------------------------------------------------


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


# --- other processes -----------------------------------------------------------------------------


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


# --- the network ---------------------------------------------------------------------------------


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


# --- running them --------------------------------------------------------------------------------


def run(name, facts):
    """In a process of its own: [whether it happened, what was said]."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, json.dumps(attempt(name, facts)).encode())
        os._exit(0)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], PROBE_S)
        said = os.read(reading, 65536) if ready else b""
    finally:
        os.close(reading)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return json.loads(said) if said else ["broken", f"no answer within {PROBE_S} s, or it was killed"]


def attempt(name, facts):
    try:
        return ["done", str(PROBES[name](facts))]
    except Denied as error:
        return ["denied", str(error)]
    except RuntimeError as error:  # can't start new thread
        return ["denied", str(error)]
    except OSError as error:
        return ["denied", f"{errno.errorcode.get(error.errno, error.errno)}: {error.strerror or error}"]
    except BaseException:
        return ["broken", traceback.format_exc()]


def run_all(facts, names=None):
    return {name: run(name, facts) for name in (names or PROBES)}


def handler(event, context):
    """What tests ask of it, beside the probes."""
    action = event.get("action", "probes")
    if action == "probes":
        return run_all(event["facts"], event.get("names"))
    if action == "serve":  # for `another-function`: answers while this environment lives
        server = socket.create_server(("0.0.0.0", 5432))
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        return "serving"
    if action == "exec-in-tmp":
        with open("/tmp/program", "w") as file:
            file.write("#!/bin/sh\necho ran\n")
        os.chmod("/tmp/program", 0o700)
        return subprocess.run(["/tmp/program"], capture_output=True, text=True, check=True).stdout
    if action == "environment":
        return dict(os.environ)
    if action == "interfaces":
        return sorted(os.listdir("/sys/class/net"))
    if action == "hog":
        held = bytearray(event["mb"] << 20)
        return len(held)
    if action == "clock":
        return time.time()
    if action == "hang":
        for number in (1, 2, 3, 10, 12, 15):
            __import__("signal").signal(number, __import__("signal").SIG_IGN)
        if os.fork() == 0:
            os.setsid()
        while True:
            time.sleep(1000)
    raise ValueError(action)


def answer(server):
    while True:
        connection, _ = server.accept()
        connection.sendall(b"here\n")
        connection.close()


def prepare_twin():
    """A container without the profile has no function: give it the same places."""
    for folder in ("/var/task", "/opt", BOOTSTRAP, CHANNEL):
        os.makedirs(folder, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{CHANNEL}/api.sock")
    return server


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    kept = prepare_twin() if os.getuid() == 0 else None
    print(json.dumps(run_all(given["facts"], given.get("names"))))
