"""The environment variables of a function, but for those that only the driver can know.

Source: Lambda Developer Guide, "Defined runtime environment variables". Two of AWS's are left out on purpose: role
credentials (a function here has no role; `environment:` may set them) and the X-Ray daemon's link-local
address (loopback instead, so that nothing is sent off the machine).
"""

import re
from datetime import datetime

from executor.language import aws_name
from executor.revision import Revision
from kit.names import Names

_PROVIDED = re.compile(r"provided(\..*)?\Z")


def log_stream_name(now: datetime, version: str, environment_id: str) -> str:
    """``YYYY/MM/DD/[<version>]<32 hex>``, one per environment."""
    return f"{now:%Y/%m/%d}/[{version}]{environment_id}"


def function_variables(
    revision: Revision, names: Names, *, log_stream: str, version: str, provisioned: bool = False
) -> dict[str, str]:
    config = revision.config
    variables = {
        "_HANDLER": config.handler,
        "AWS_REGION": names.region,
        "AWS_DEFAULT_REGION": names.region,
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if provisioned else "on-demand",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }
    if not _PROVIDED.match(config.runtime):
        variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{aws_name(config.runtime)}"
    return variables | dict(config.environment)
