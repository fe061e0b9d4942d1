"""Pools, clients, resource servers, domains, tags."""

from typing import Any

from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_trial import Trial

NOBODYS = "us-east-1_Nobody000"


def a_pool(trial: Trial, **given: Any) -> str:
    return str(trial.see("CreateUserPool", PoolName=trial.name, **given)["UserPool"]["Id"])


def a_client(trial: Trial, **given: Any) -> str:
    said = trial.see("CreateUserPoolClient", UserPoolId=a_pool(trial), ClientName=trial.name, **given)
    client = said["UserPoolClient"]
    trial.pool_id = client["UserPoolId"]
    return str(client["ClientId"])


@proves("CreateUserPool")
def create_user_pool(trial: Trial) -> None:
    rules = {"PasswordPolicy": {"MinimumLength": 12}}
    said = trial.act(PoolName=trial.name, Policies=rules)["UserPool"]
    shown = trial.see("DescribeUserPool", UserPoolId=said["Id"])["UserPool"]
    assert (shown["Name"], shown["Policies"]["PasswordPolicy"]["MinimumLength"]) == (trial.name, 12)
    trial.refused("InvalidParameter", PoolName="")


@proves("DescribeUserPool")
def describe_user_pool(trial: Trial) -> None:
    pool = a_pool(trial, UsernameAttributes=["email"])
    assert trial.act(UserPoolId=pool)["UserPool"]["UsernameAttributes"] == ["email"]
    trial.refused("ResourceNotFound", UserPoolId=NOBODYS)


@proves("UpdateUserPool")
def update_user_pool(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.act(UserPoolId=pool, Policies={"PasswordPolicy": {"MinimumLength": 14}})
    shown = trial.see("DescribeUserPool", UserPoolId=pool)["UserPool"]
    assert shown["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    trial.refused("InvalidParameter", UserPoolId=pool, Policies={"PasswordPolicy": {"MinimumLength": 2}})


@proves("ListUserPools")
def list_user_pools(trial: Trial) -> None:
    pool = a_pool(trial)
    found, token = list[str](), {}
    while True:
        page = trial.act(MaxResults=2, **token)
        found += [one["Id"] for one in page["UserPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pool in found
    trial.refused("InvalidParameter", MaxResults=61)


@proves("DeleteUserPool")
def delete_user_pool(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.act(UserPoolId=pool)
    trial.no_more("DescribeUserPool", "ResourceNotFound", UserPoolId=pool)
    trial.refused("ResourceNotFound", UserPoolId=pool)


@proves("AddCustomAttributes")
def add_custom_attributes(trial: Trial) -> None:
    pool = a_pool(trial)
    wanted = [{"Name": "shoe", "AttributeDataType": "Number", "Mutable": True}]
    trial.act(UserPoolId=pool, CustomAttributes=wanted)
    shown = trial.see("DescribeUserPool", UserPoolId=pool)["UserPool"]["SchemaAttributes"]
    assert "custom:shoe" in {one["Name"] for one in shown}
    trial.refused("InvalidParameter", UserPoolId=pool, CustomAttributes=[])


@proves("SetUserPoolMfaConfig")
def set_user_pool_mfa_config(trial: Trial) -> None:
    pool = a_pool(trial)
    given = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
    assert trial.act(UserPoolId=pool, MfaConfiguration="OPTIONAL", **given)["MfaConfiguration"] == "OPTIONAL"
    assert trial.see("GetUserPoolMfaConfig", UserPoolId=pool)["MfaConfiguration"] == "OPTIONAL"
    trial.refused("InvalidParameter", UserPoolId=pool, MfaConfiguration="SOMETIMES", **given)


@proves("GetUserPoolMfaConfig")
def get_user_pool_mfa_config(trial: Trial) -> None:
    pool = a_pool(trial)
    wanted = {"SoftwareTokenMfaConfiguration": {"Enabled": True}, "MfaConfiguration": "ON"}
    trial.see("SetUserPoolMfaConfig", UserPoolId=pool, **wanted)
    shown = trial.act(UserPoolId=pool)
    assert {name: shown[name] for name in wanted} == wanted
    trial.refused("ResourceNotFound", UserPoolId=NOBODYS)


@proves("CreateUserPoolClient")
def create_user_pool_client(trial: Trial) -> None:
    pool = a_pool(trial)
    said = trial.act(UserPoolId=pool, ClientName=trial.name, GenerateSecret=True)["UserPoolClient"]
    seen = trial.see("DescribeUserPoolClient", UserPoolId=pool, ClientId=said["ClientId"])["UserPoolClient"]
    assert seen["ClientSecret"] == said["ClientSecret"]
    trial.refused("InvalidParameter", UserPoolId=pool, ClientName=trial.name, RefreshTokenValidity=-1)


@proves("DescribeUserPoolClient")
def describe_user_pool_client(trial: Trial) -> None:
    client = a_client(trial, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    shown = trial.act(UserPoolId=trial.pool_id, ClientId=client)["UserPoolClient"]
    assert set(shown["ExplicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    trial.refused("ResourceNotFound", UserPoolId=trial.pool_id, ClientId="nobodys")


@proves("UpdateUserPoolClient")
def update_user_pool_client(trial: Trial) -> None:
    given = {"ClientId": a_client(trial), "UserPoolId": trial.pool_id}
    trial.act(**given, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    shown = trial.see("DescribeUserPoolClient", **given)["UserPoolClient"]
    assert set(shown["ExplicitAuthFlows"]) == {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    trial.refused("InvalidParameter", **given, ExplicitAuthFlows=["BY_MAGIC"])


@proves("ListUserPoolClients")
def list_user_pool_clients(trial: Trial) -> None:
    client = a_client(trial)
    shown = trial.act(UserPoolId=trial.pool_id)["UserPoolClients"]
    assert [one["ClientId"] for one in shown] == [client]
    trial.refused("ResourceNotFound", UserPoolId=NOBODYS)


@proves("DeleteUserPoolClient")
def delete_user_pool_client(trial: Trial) -> None:
    given = {"ClientId": a_client(trial), "UserPoolId": trial.pool_id}
    trial.act(**given)
    trial.no_more("DescribeUserPoolClient", "ResourceNotFound", **given)
    trial.refused("ResourceNotFound", **given)


def a_server(trial: Trial) -> dict[str, Any]:
    given = {"UserPoolId": a_pool(trial), "Identifier": "notes"}
    scopes = [{"ScopeName": "read", "ScopeDescription": "Read notes"}]
    trial.see("CreateResourceServer", **given, Name="Notes", Scopes=scopes)
    return given


@proves("CreateResourceServer")
def create_resource_server(trial: Trial) -> None:
    given = {"UserPoolId": a_pool(trial), "Identifier": "notes", "Name": "Notes"}
    scopes = [{"ScopeName": "read", "ScopeDescription": "Read notes"}]
    trial.act(**given, Scopes=scopes)
    shown = trial.see("DescribeResourceServer", UserPoolId=given["UserPoolId"], Identifier="notes")
    assert shown["ResourceServer"]["Scopes"] == scopes
    trial.refused("InvalidParameter", **given, Scopes=[{"ScopeName": "a/b", "ScopeDescription": "c"}])


@proves("DescribeResourceServer")
def describe_resource_server(trial: Trial) -> None:
    given = a_server(trial)
    assert trial.act(**given)["ResourceServer"]["Name"] == "Notes"
    trial.refused("ResourceNotFound", **given | {"Identifier": "nobodys"})


@proves("UpdateResourceServer")
def update_resource_server(trial: Trial) -> None:
    given = a_server(trial)
    trial.act(**given, Name="Notebooks", Scopes=[])
    shown = trial.see("DescribeResourceServer", **given)["ResourceServer"]
    assert (shown["Name"], shown.get("Scopes", [])) == ("Notebooks", [])
    trial.refused("ResourceNotFound", **given | {"Identifier": "nobodys"}, Name="None")


@proves("ListResourceServers")
def list_resource_servers(trial: Trial) -> None:
    given = a_server(trial)
    shown = trial.act(UserPoolId=given["UserPoolId"], MaxResults=5)["ResourceServers"]
    assert [one["Identifier"] for one in shown] == ["notes"]
    trial.refused("InvalidParameter", UserPoolId=given["UserPoolId"], MaxResults=51)


@proves("DeleteResourceServer")
def delete_resource_server(trial: Trial) -> None:
    given = a_server(trial)
    trial.act(**given)
    trial.no_more("DescribeResourceServer", "ResourceNotFound", **given)
    trial.refused("ResourceNotFound", **given)


@proves("CreateUserPoolDomain")
def create_user_pool_domain(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.act(UserPoolId=pool, Domain=trial.name)
    shown = trial.see("DescribeUserPoolDomain", Domain=trial.name)["DomainDescription"]
    assert (shown["UserPoolId"], shown["Status"]) == (pool, "ACTIVE")
    trial.refused("InvalidParameter", UserPoolId=pool, Domain="Not A Domain")


@proves("DescribeUserPoolDomain")
def describe_user_pool_domain(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.see("CreateUserPoolDomain", UserPoolId=pool, Domain=trial.name)
    assert trial.act(Domain=trial.name)["DomainDescription"]["UserPoolId"] == pool
    trial.refused("InvalidParameter", Domain="Not A Domain")


@proves("DeleteUserPoolDomain")
def delete_user_pool_domain(trial: Trial) -> None:
    pool = a_pool(trial)
    trial.see("CreateUserPoolDomain", UserPoolId=pool, Domain=trial.name)
    trial.act(UserPoolId=pool, Domain=trial.name)
    assert "UserPoolId" not in trial.see("DescribeUserPoolDomain", Domain=trial.name)["DomainDescription"]
    trial.refused("ResourceNotFound", UserPoolId=NOBODYS, Domain=trial.name)


def tagged(trial: Trial) -> str:
    return str(trial.see("DescribeUserPool", UserPoolId=a_pool(trial))["UserPool"]["Arn"])


@proves("TagResource")
def tag_resource(trial: Trial) -> None:
    arn = tagged(trial)
    trial.act(ResourceArn=arn, Tags={"team": "notes"})
    assert trial.see("ListTagsForResource", ResourceArn=arn)["Tags"] == {"team": "notes"}
    trial.refused("ResourceNotFound", ResourceArn=arn.rpartition("/")[0] + "/" + NOBODYS, Tags={"a": "b"})


@proves("UntagResource")
def untag_resource(trial: Trial) -> None:
    arn = tagged(trial)
    trial.see("TagResource", ResourceArn=arn, Tags={"team": "notes", "of": "us"})
    trial.act(ResourceArn=arn, TagKeys=["of"])
    assert trial.see("ListTagsForResource", ResourceArn=arn)["Tags"] == {"team": "notes"}
    trial.refused("ResourceNotFound", ResourceArn=arn.rpartition("/")[0] + "/" + NOBODYS, TagKeys=["of"])


@proves("ListTagsForResource")
def list_tags_for_resource(trial: Trial) -> None:
    arn = tagged(trial)
    trial.see("TagResource", ResourceArn=arn, Tags={"team": "notes"})
    assert trial.act(ResourceArn=arn)["Tags"] == {"team": "notes"}
    trial.refused("ResourceNotFound", ResourceArn=arn.rpartition("/")[0] + "/" + NOBODYS)


def with_secrets(trial: Trial) -> dict[str, Any]:
    """A client with two."""
    given = {"ClientId": a_client(trial, GenerateSecret=True), "UserPoolId": trial.pool_id}
    trial.see("AddUserPoolClientSecret", **given)
    return given


def secret_ids(trial: Trial, given: dict[str, Any]) -> list[str]:
    return [one["ClientSecretId"] for one in trial.see("ListUserPoolClientSecrets", **given)["ClientSecrets"]]


@proves("AddUserPoolClientSecret")
def add_user_pool_client_secret(trial: Trial) -> None:
    given = {"ClientId": a_client(trial, GenerateSecret=True), "UserPoolId": trial.pool_id}
    said = trial.act(**given)["ClientSecretDescriptor"]
    assert said["ClientSecretId"] in secret_ids(trial, given)
    trial.refused("LimitExceeded", **given)


@proves("ListUserPoolClientSecrets")
def list_user_pool_client_secrets(trial: Trial) -> None:
    given = with_secrets(trial)
    assert len(trial.act(**given)["ClientSecrets"]) == 2
    trial.refused("ResourceNotFound", **given | {"ClientId": "nobodys"})


@proves("DeleteUserPoolClientSecret")
def delete_user_pool_client_secret(trial: Trial) -> None:
    given = with_secrets(trial)
    first, second = secret_ids(trial, given)
    trial.act(**given, ClientSecretId=first)
    assert secret_ids(trial, given) == [second]
    trial.refused("ResourceNotFound", **given, ClientSecretId="nobodys")


@proves("GetCSVHeader")
def get_csv_header(trial: Trial) -> None:
    pool = a_pool(trial)
    wanted = [{"Name": "shoe", "AttributeDataType": "Number", "Mutable": True}]
    trial.see("AddCustomAttributes", UserPoolId=pool, CustomAttributes=wanted)
    assert "custom:shoe" in trial.act(UserPoolId=pool)["CSVHeader"]
    trial.refused("ResourceNotFound", UserPoolId=NOBODYS)
