"""Where a container sees what is mounted into it. Lambda's paths where Lambda has one."""

TASK = "/var/task"
RUNTIME = "/var/runtime"
OPT = "/opt"
TEMPORARY = "/tmp"  # noqa: S108  # the path inside the container
CHANNEL = "/run/lockgate/channel"
BOOTSTRAP = "/run/lockgate/runtime"
VOLUMES = "/mnt"
SOCKET_NAME = "api.sock"
OUTPUT_NAME = "output"  # a FIFO beside the socket
OUTPUT = f"{CHANNEL}/{OUTPUT_NAME}"
GATE_NAME = "gate"
GATE = f"{CHANNEL}/{GATE_NAME}"

# glibc never looks again at a folder of LD_LIBRARY_PATH that was missing when a process started (measured), so a
# slot has those of Lambda from the start, and code that arrives later is found.
TASK_SKELETON = ("lib",)
OPT_SKELETON = ("bin", "extensions", "java/lib", "lib", "nodejs/node_modules", "python", "ruby/lib")
