"""Domains and tags of pools by API: also of declared ones, for no file says them."""

from typing import Any
from urllib.parse import urlsplit

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.management import api as api
from tests.support.management import declared_again, made_pool, shown_pool
from tests.support.management import pool_id as pool_id
from tests.support.management import stand as stand


def test_a_domain_leads_to_the_one_listener(api: Any, stand: CognitoStand, pool_id: str) -> None:
    host = urlsplit(stand.url).netloc
    answer = api.create_user_pool_domain(UserPoolId=pool_id, Domain="one")
    described = api.describe_user_pool_domain(Domain="one")["DomainDescription"]

    assert (answer["CloudFrontDomain"], answer["ManagedLoginVersion"]) == (host, 1)
    assert described["UserPoolId"] == pool_id
    assert described["CloudFrontDistribution"] == host
    assert described["Status"] == "ACTIVE"
    assert shown_pool(api, pool_id)["Domain"] == "one"
    assert api.update_user_pool_domain(UserPoolId=pool_id, Domain="one")["CloudFrontDomain"] == host


def test_a_domain_is_one_pools_and_a_pool_has_one(api: Any, pool_id: str) -> None:
    api.create_user_pool_domain(UserPoolId=pool_id, Domain="taken")
    other = made_pool(api)["Id"]

    refused = refusal(api.create_user_pool_domain, UserPoolId=other, Domain="taken")
    assert refused == ("InvalidParameter", "Domain already associated with another user pool.")
    refused = refusal(api.create_user_pool_domain, UserPoolId=pool_id, Domain="second")
    assert refused == ("InvalidParameter", "User pool already has a domain configured.")
    api.create_user_pool_domain(UserPoolId=other, Domain="second")


def test_a_pool_with_a_domain_is_not_deleted(api: Any, pool_id: str) -> None:
    api.create_user_pool_domain(UserPoolId=pool_id, Domain="in-the-way")

    assert "domain configured" in refusal(api.delete_user_pool, UserPoolId=pool_id)[1]
    api.delete_user_pool_domain(UserPoolId=pool_id, Domain="in-the-way")
    assert api.describe_user_pool_domain(Domain="in-the-way")["DomainDescription"] == {}
    api.delete_user_pool(UserPoolId=pool_id)


def test_a_domain_of_another_pool_is_not_deleted(api: Any, pool_id: str) -> None:
    api.create_user_pool_domain(UserPoolId=pool_id, Domain="mine")
    other = made_pool(api)["Id"]

    theirs = {"UserPoolId": other, "Domain": "mine"}
    assert refusal(api.delete_user_pool_domain, **theirs)[0] == "InvalidParameter"
    assert refusal(api.update_user_pool_domain, **theirs)[0] == "ResourceNotFound"
    assert shown_pool(api, pool_id)["Domain"] == "mine"


def test_a_domain_is_a_label(api: Any, pool_id: str) -> None:
    for bad in ("Upper", "-begins", "a" * 64):
        assert refusal(api.create_user_pool_domain, UserPoolId=pool_id, Domain=bad)[0] == "InvalidParameter"
    assert "Domain" not in shown_pool(api, pool_id)


def test_tags_are_added_replaced_and_taken(api: Any, pool_id: str) -> None:
    arn = shown_pool(api, pool_id)["Arn"]
    api.tag_resource(ResourceArn=arn, Tags={"team": "web", "stage": "dev"})
    api.tag_resource(ResourceArn=arn, Tags={"stage": "prod"})
    assert api.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "web", "stage": "prod"}
    api.untag_resource(ResourceArn=arn, TagKeys=["team", "never-there"])

    assert api.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"stage": "prod"}
    assert shown_pool(api, pool_id)["UserPoolTags"] == {"stage": "prod"}


def test_nothing_else_has_tags(api: Any, pool_id: str) -> None:
    arn = shown_pool(api, pool_id)["Arn"]

    foreign = arn.replace("000000000000", "111111111111")
    assert refusal(api.list_tags_for_resource, ResourceArn=foreign)[0] == "InvalidParameter"
    assert refusal(api.list_tags_for_resource, ResourceArn=arn + "x")[0] == "ResourceNotFound"


def test_a_reload_of_the_file_keeps_what_the_api_added(api: Any, stand: CognitoStand) -> None:
    api.create_user_pool_domain(UserPoolId=stand.pool_id, Domain="declared")
    api.tag_resource(ResourceArn=shown_pool(api, stand.pool_id)["Arn"], Tags={"team": "web"})
    api.create_resource_server(UserPoolId=stand.pool_id, Identifier="added", Name="Added")
    client = api.create_user_pool_client(UserPoolId=stand.pool_id, ClientName="added")["UserPoolClient"]
    declared_again(stand, self_sign_up=False)
    shown = shown_pool(api, stand.pool_id)

    assert shown["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (shown["Domain"], shown["UserPoolTags"]) == ("declared", {"team": "web"})
    assert api.describe_resource_server(UserPoolId=stand.pool_id, Identifier="added")
    named = {"UserPoolId": stand.pool_id, "ClientId": client["ClientId"]}
    assert api.describe_user_pool_client(**named)["UserPoolClient"] == client
    api.delete_user_pool_client(**named)
    api.delete_resource_server(UserPoolId=stand.pool_id, Identifier="added")
    api.delete_user_pool_domain(UserPoolId=stand.pool_id, Domain="declared")
    declared_again(stand)
