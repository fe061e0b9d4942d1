// Walks through the actions of @aws-sdk/client-cognito-identity-provider. Its argument is a JSON object {endpoint,
// control, region, key, secret, pool, client, mailbox, ada}: ada is an address that nobody has signed up with.
//
// Prints one JSON object with what each step has given; a refusal that was not expected ends it with 1.

import * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { mailbox, refused, totp } from './people.mjs';

const given = JSON.parse(process.argv[2]);
const code = mailbox(given.mailbox);
const said = {};
const FIRST = 'correct horse battery';
const SECOND = 'another horse, another battery';

const common = { region: given.region, maxAttempts: 1 };
const open = new sdk.CognitoIdentityProviderClient({
  ...common, endpoint: given.endpoint, credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } });
const signed = new sdk.CognitoIdentityProviderClient({
  ...common, endpoint: given.control, credentials: { accessKeyId: given.key, secretAccessKey: given.secret } });
const forged = new sdk.CognitoIdentityProviderClient({
  ...common, endpoint: given.control, credentials: { accessKeyId: given.key, secretAccessKey: 'another' } });
const say = (name, input) => open.send(new sdk[`${name}Command`]({ ClientId: given.client, ...input }));
const rule = (name, input) => signed.send(new sdk[`${name}Command`]({ UserPoolId: given.pool, ...input }));
const who = { Username: given.ada };

// Sign-up, sign-in, an app.
const signedUp = await say('SignUp', {
  ...who, Password: FIRST, UserAttributes: [{ Name: 'email', Value: given.ada }] });
said.signedUp = signedUp.UserConfirmed;
await say('ConfirmSignUp', { ...who, ConfirmationCode: await code(given.ada) });
const shown = await rule('AdminGetUser', who);
said.shown = [shown.UserStatus, shown.UserCreateDate instanceof Date, shown.Username === signedUp.UserSub];
const byPassword = (password) => say('InitiateAuth', {
  AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: given.ada, PASSWORD: password } });
said.wrong = await refused(byPassword(SECOND));
const { AuthenticationResult: result } = await byPassword(FIRST);
const token = { AccessToken: result.AccessToken };
said.result = [result.TokenType, result.ExpiresIn];
const app = await open.send(new sdk.AssociateSoftwareTokenCommand(token));
said.app = (await open.send(new sdk.VerifySoftwareTokenCommand({ ...token, UserCode: totp(app.SecretCode) }))).Status;
await rule('AdminSetUserMFAPreference', { ...who, SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true } });
const asked = await byPassword(FIRST);
said.asked = asked.ChallengeName;
const answered = await say('RespondToAuthChallenge', {
  ChallengeName: asked.ChallengeName, Session: asked.Session,
  ChallengeResponses: { USERNAME: given.ada, SOFTWARE_TOKEN_MFA_CODE: totp(app.SecretCode, 1) } });
said.answered = typeof answered.AuthenticationResult.IdToken;

// Refresh and revoke.
const refresh = { AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: { REFRESH_TOKEN: result.RefreshToken } };
said.refreshed = typeof (await say('InitiateAuth', refresh)).AuthenticationResult.AccessToken;
said.newRefresh = typeof (await say('GetTokensFromRefreshToken', { RefreshToken: result.RefreshToken }))
  .AuthenticationResult.AccessToken;
await say('RevokeToken', { Token: result.RefreshToken });
said.revoked = await refused(open.send(new sdk.GetUserCommand(token)));

// Operators.
const group = { GroupName: 'sdk' };
said.group = (await rule('CreateGroup', { ...group, Precedence: 3 })).Group.Precedence;
await rule('AdminAddUserToGroup', { ...who, ...group });
said.members = (await rule('ListUsersInGroup', group)).Users.map((one) => one.Username === signedUp.UserSub);
said.groups = (await rule('AdminListGroupsForUser', who)).Groups.map((one) => one.GroupName);
said.found = (await rule('ListUsers', { Filter: `email = "${given.ada}"` })).Users.length;
const pages = [];
for await (const page of sdk.paginateListUserPools({ client: signed, pageSize: 1 }, { MaxResults: 1 })) {
  pages.push(...page.UserPools.map((one) => one.Name));
}
said.pools = pages.sort();
await rule('DeleteGroup', group);
said.noGroup = await refused(rule('GetGroup', group));
await rule('AdminDisableUser', who);
said.disabled = [(await rule('AdminGetUser', who)).Enabled, await refused(byPassword(FIRST))];
await rule('AdminDeleteUser', who);
said.gone = await refused(rule('AdminGetUser', who));

// Not theirs to ask.
said.forged = await refused(forged.send(new sdk.AdminGetUserCommand({ UserPoolId: given.pool, ...who })));
said.wrongDoor = await refused(open.send(new sdk.AdminGetUserCommand({ UserPoolId: given.pool, ...who })));

console.log(JSON.stringify(said));
