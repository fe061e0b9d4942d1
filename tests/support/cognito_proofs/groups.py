"""Groups and who is in them."""

from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_trial import Trial


def made(trial: Trial) -> str:
    trial.see("CreateGroup", GroupName=trial.name, Precedence=2)
    return trial.name


@proves("CreateGroup")
def create_group(trial: Trial) -> None:
    said = trial.act(GroupName=trial.name, Precedence=2, Description="Readers")["Group"]
    assert trial.see("GetGroup", GroupName=trial.name)["Group"] == said
    assert (said["Precedence"], said["Description"]) == (2, "Readers")
    trial.refused("GroupExists", GroupName=trial.name)


@proves("GetGroup")
def get_group(trial: Trial) -> None:
    assert trial.act(GroupName=made(trial))["Group"]["Precedence"] == 2
    trial.refused("ResourceNotFound", GroupName=f"{trial.name}b")


@proves("UpdateGroup")
def update_group(trial: Trial) -> None:
    trial.act(GroupName=made(trial), Precedence=5)
    assert trial.see("GetGroup", GroupName=trial.name)["Group"]["Precedence"] == 5
    trial.refused("InvalidParameter", GroupName=trial.name, Precedence=-1)


@proves("ListGroups")
def list_groups(trial: Trial) -> None:
    name = made(trial)
    found, token = list[str](), {}
    while True:
        page = trial.act(Limit=1, **token)
        found += [one["GroupName"] for one in page["Groups"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert name in found
    trial.refused("InvalidParameter", Limit=61)


@proves("DeleteGroup")
def delete_group(trial: Trial) -> None:
    trial.act(GroupName=made(trial))
    trial.no_more("GetGroup", "ResourceNotFound", GroupName=trial.name)
    trial.refused("ResourceNotFound", GroupName=trial.name)


@proves("AdminAddUserToGroup")
def admin_add_user_to_group(trial: Trial) -> None:
    trial.person()
    trial.act(Username=trial.name, GroupName=made(trial))
    shown = trial.see("AdminListGroupsForUser", Username=trial.name)["Groups"]
    assert [one["GroupName"] for one in shown] == [trial.name]
    trial.refused("ResourceNotFound", Username=trial.name, GroupName=f"{trial.name}b")


@proves("AdminRemoveUserFromGroup")
def admin_remove_user_from_group(trial: Trial) -> None:
    trial.person()
    trial.see("AdminAddUserToGroup", Username=trial.name, GroupName=made(trial))
    trial.act(Username=trial.name, GroupName=trial.name)
    assert trial.see("AdminListGroupsForUser", Username=trial.name)["Groups"] == []
    trial.refused("UserNotFound", Username=f"{trial.name}b", GroupName=trial.name)


@proves("AdminListGroupsForUser")
def admin_list_groups_for_user(trial: Trial) -> None:
    trial.person()
    trial.see("AdminAddUserToGroup", Username=trial.name, GroupName=made(trial))
    assert [one["GroupName"] for one in trial.act(Username=trial.name)["Groups"]] == [trial.name]
    trial.refused("UserNotFound", Username=f"{trial.name}b")


@proves("ListUsersInGroup")
def list_users_in_group(trial: Trial) -> None:
    trial.person()
    trial.see("AdminAddUserToGroup", Username=trial.name, GroupName=made(trial))
    assert [one["Username"] for one in trial.act(GroupName=trial.name)["Users"]] == [trial.name]
    trial.refused("ResourceNotFound", GroupName=f"{trial.name}b")
