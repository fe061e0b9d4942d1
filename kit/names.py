"""The one value that everything else is named from: account, region, instance, epoch.

ARNs, labels, socket paths and lease owners are derived here and nowhere else, so that two servers on
one machine, or two starts of one server, can never be taken for each other.
"""

from dataclasses import dataclass

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Who this server is.

    :param account: 12 digits, as in ARNs.
    :param instance: 8 hex digits, fixed when the state folder is made.
    :param epoch: counts the starts of this instance; +1 at each.
    """

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    instance: str = "00000000"
    epoch: int = 0

    def function_arn(self, function: str, qualifier: str | None = None) -> str:
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def user_pool_arn(self, pool_id: str) -> str:
        return f"arn:aws:cognito-idp:{self.region}:{self.account}:userpool/{pool_id}"

    def environment_mark(self, environment: int) -> str:
        """The mark that every process of one environment carries: ``instance/epoch/number``."""
        return f"{self.instance}/{self.epoch}/{environment}"
