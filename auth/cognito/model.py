"""The names of all actions that Cognito has, and what is said of those that nobody built here.

Source: the service model of cognito-idp in botocore; a test compares them.
"""

from collections.abc import Mapping
from typing import Final

from auth.cognito.action import Action, Answer, Audience, Call
from auth.cognito.shapes import Structure
from auth.errors import UnsupportedOperation

PUBLIC: Final = frozenset(
    """
    AssociateSoftwareToken ChangePassword CompleteWebAuthnRegistration ConfirmDevice ConfirmForgotPassword
    ConfirmSignUp DeleteUser DeleteUserAttributes DeleteWebAuthnCredential ForgetDevice ForgotPassword GetDevice
    GetTokensFromRefreshToken GetUser GetUserAttributeVerificationCode GetUserAuthFactors GlobalSignOut
    InitiateAuth ListDevices ListUserSessions ListWebAuthnCredentials ResendConfirmationCode
    RespondToAuthChallenge RevokeToken RevokeUserSession SetUserMFAPreference SetUserSettings SignUp
    StartWebAuthnRegistration UpdateAuthEventFeedback UpdateDeviceStatus UpdateUserAttributes
    VerifySoftwareToken VerifyUserAttribute
    """.split()  # noqa: SIM905  # one name behind the other, as they are compared
)
ADMIN: Final = frozenset(
    """
    AddCustomAttributes AddUserPoolClientSecret AdminAddUserToGroup AdminConfirmSignUp AdminCreateUser
    AdminDeleteSoftwareToken AdminDeleteUser AdminDeleteUserAttributes AdminDisableProviderForUser
    AdminDisableUser AdminEnableUser AdminForgetDevice AdminGetDevice AdminGetUser AdminGetUserAuthFactors
    AdminInitiateAuth AdminLinkProviderForUser AdminListDevices AdminListGroupsForUser AdminListUserAuthEvents
    AdminListUserSessions AdminRemoveUserFromGroup AdminResetUserPassword AdminRespondToAuthChallenge
    AdminRevokeUserSession AdminSetUserMFAPreference AdminSetUserPassword AdminSetUserSettings
    AdminUpdateAuthEventFeedback AdminUpdateDeviceStatus AdminUpdateUserAttributes AdminUserGlobalSignOut
    CreateGroup CreateIdentityProvider CreateManagedLoginBranding CreateResourceServer CreateTerms
    CreateUserImportJob CreateUserPool CreateUserPoolClient CreateUserPoolDomain CreateUserPoolReplica
    DeleteGroup DeleteIdentityProvider DeleteManagedLoginBranding DeleteResourceServer DeleteTerms
    DeleteUserPool DeleteUserPoolClient DeleteUserPoolClientSecret DeleteUserPoolDomain DeleteUserPoolReplica
    DescribeIdentityProvider DescribeManagedLoginBranding DescribeManagedLoginBrandingByClient
    DescribeResourceServer DescribeRiskConfiguration DescribeTerms DescribeTermsByClient DescribeUserImportJob
    DescribeUserPool DescribeUserPoolClient DescribeUserPoolDomain GetCSVHeader GetClientToken GetDerivedToken
    GetGroup GetIdentityProviderByIdentifier GetLogDeliveryConfiguration GetProvisionedLimit
    GetSigningCertificate GetUICustomization GetUserPoolClientSessionConfiguration GetUserPoolMfaConfig
    GetUserPoolSessionConfiguration ListGroups ListIdentityProviders ListResourceServers ListTagsForResource
    ListTerms ListUserImportJobs ListUserPoolClientSecrets ListUserPoolClients ListUserPoolReplicas
    ListUserPools ListUsers ListUsersInGroup SetLogDeliveryConfiguration SetRiskConfiguration SetUICustomization
    SetUserPoolClientSessionConfiguration SetUserPoolMfaConfig SetUserPoolSessionConfiguration
    StartUserImportJob StopUserImportJob TagResource UntagResource UpdateGroup UpdateIdentityProvider
    UpdateManagedLoginBranding UpdateProvisionedLimit UpdateResourceServer UpdateTerms UpdateUserPool
    UpdateUserPoolClient UpdateUserPoolDomain UpdateUserPoolReplica
    """.split()  # noqa: SIM905  # one name behind the other, as they are compared
)
ACTIONS: Final = PUBLIC | ADMIN

# What to do instead, by a part of the action's name; the first that fits.
INSTEAD: Final[Mapping[str, str]] = {
    "Replica": "One database serves all processes; copy it with the tools of the database.",
    "Device": "Devices are not remembered: leave device tracking off in the client.",
    "WebAuthn": "Passkeys are not there: use a password, a code by mail or an authenticator app.",
    "UserImportJob": "Import people with `lockgate user import`.",
    "CSVHeader": "Import people with `lockgate user import`.",
    "Risk": "There is no threat protection by risk: passwords are locked out after wrong ones, see docs/user-pools.md.",
    "AuthEvent": "Sign-ins are in the audit records, and counted in the metrics.",
    "LogDelivery": "Logs are written to standard error as JSON lines; collect them from there.",
    "ManagedLoginBranding": "Set `brand:` of the pool in routes.yaml.",
    "UICustomization": "Set `brand:` of the pool in routes.yaml.",
    "UserSession": "Use GlobalSignOut, AdminUserGlobalSignOut or RevokeToken.",
    "SessionConfiguration": "Set `token_lifetimes:` of the pool in routes.yaml.",
    "ProvisionedLimit": "This server has no quotas that are bought.",
    "GetClientToken": "Ask /oauth2/token with grant_type=client_credentials.",
    "GetDerivedToken": "Ask /oauth2/token for a token with the scopes that are needed.",
    "DeleteSoftwareToken": "Switch it off with AdminSetUserMFAPreference.",
    "AuthFactors": "AdminGetUser tells which second factors somebody has.",
    "Terms": "Put the terms on a page of your own.",
    "UserSettings": "Use SetUserMFAPreference or AdminSetUserMFAPreference.",
    "SigningCertificate": "There is no federation by SAML.",
    "IdentityProvider": "Declare identity providers in routes.yaml.",
    "ProviderForUser": "Federated users are linked when they sign in.",
    "ClientSecret": "Use `lockgate client secret`.",
    "Domain": "All pools live under server.auth_url; there is no domain of a pool.",
}


def unsupported(name: str) -> Action:
    """What answers for an action of the model that is not built: not silence, but what it is and what helps."""

    def refuse(_call: Call) -> Answer:
        raise UnsupportedOperation(f"{name} is not supported here. {instead_of(name)}".rstrip())

    audience: Audience = "public" if name in PUBLIC else "admin"
    return Action(name=name, audience=audience, input=Structure(), run=refuse)


def instead_of(name: str) -> str:
    return next((hint for part, hint in INSTEAD.items() if part in name), "")
