"""TagResource, UntagResource, ListTagsForResource: of pools, which are the only things that have tags."""

from auth.cognito.action import Action, Answer, Call
from auth.cognito.pool_shapes import ARN, TAGS, struct
from auth.cognito.shapes import Listing, Text
from auth.errors import InvalidParameter


def tag(call: Call) -> Answer:
    call.identity.management.pools.tag(_pool_id(call), call.texts("Tags"), call.now)
    return {}


def untag(call: Call) -> Answer:
    call.identity.management.pools.untag(_pool_id(call), call.input["TagKeys"], call.now)
    return {}


def list_all(call: Call) -> Answer:
    pool = call.identity.management.pools.get(_pool_id(call), call.now)
    return {"Tags": dict(pool.added.tags)}


def _pool_id(call: Call) -> str:
    """:raises InvalidParameter: it is the ARN of something else."""
    arn, begins = call.text("ResourceArn"), call.identity.management.names.user_pool_arn("")
    if not arn.startswith(begins):
        raise InvalidParameter(f"{arn[:200]} is no user pool of this server: they are {begins}ID.")
    return arn.removeprefix(begins)


ACTIONS = (
    Action(
        name="TagResource",
        audience="admin",
        input=struct("ResourceArn", "Tags", ResourceArn=ARN, Tags=TAGS),
        run=tag,
    ),
    Action(
        name="UntagResource",
        audience="admin",
        input=struct("ResourceArn", "TagKeys", ResourceArn=ARN, TagKeys=Listing(of=Text(min=1, max=128))),
        run=untag,
    ),
    Action(
        name="ListTagsForResource",
        audience="admin",
        input=struct("ResourceArn", ResourceArn=ARN),
        run=list_all,
    ),
)
