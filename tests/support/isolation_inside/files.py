"""Who the function is, and which files it may not touch."""

import os
import socket
import stat
import subprocess

from trying import BOOTSTRAP, CHANNEL, Denied, probe, status, write


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
