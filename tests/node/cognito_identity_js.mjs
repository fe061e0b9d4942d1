// Drives amazon-cognito-identity-js. Its argument is a JSON object {endpoint, pool, client, mailbox, ada, invited}: ada
// is an address that nobody has signed up with; invited is {name, password} of somebody whom an operator made.
//
// Prints one JSON object with what each step has given; a refusal that was not expected ends it with 1.

import {
  AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool,
} from 'amazon-cognito-identity-js';
import { mailbox, refused, totp } from './people.mjs';

const given = JSON.parse(process.argv[2]);
const code = mailbox(given.mailbox);
const said = {};
const FIRST = 'correct horse battery';
const SECOND = 'another horse, another battery';
const THIRD = 'a third horse without any battery';

class Memory {
  items = new Map();
  setItem(key, value) { this.items.set(key, value); }
  getItem(key) { return this.items.get(key) ?? null; }
  removeItem(key) { this.items.delete(key); }
  clear() { this.items.clear(); }
}

const Storage = new Memory();
const pool = new CognitoUserPool({
  UserPoolId: given.pool, ClientId: given.client, endpoint: given.endpoint, Storage });

function somebody(Username) {
  return new CognitoUser({ Username, Pool: pool, Storage });
}

// Methods that end with a callback of (error, result).
function ask(of, method, ...words) {
  return new Promise((resolve, reject) =>
    of[method](...words, (error, result) => (error ? reject(error) : resolve(result))));
}

// Methods that take an object of callbacks: whichever is called, with what it was called with.
function begin(of, method, ...words) {
  return new Promise((resolve, reject) => {
    const told = (name) => (...values) => resolve({ name, values });
    of[method](...words, {
      onSuccess: told('signed in'), onFailure: reject, totpRequired: told('totp'), mfaRequired: told('mfa'),
      newPasswordRequired: told('new password'), mfaSetup: told('set up'), inputVerificationCode: told('code'),
    });
  });
}

// The older ones: an object of callbacks, and `this` is the user.
function told(of, method, ...words) {
  return new Promise((onSuccess, onFailure) =>
    of[method](...words, { onSuccess, onFailure, associateSecretCode: onSuccess, inputVerificationCode: onSuccess }));
}

function logIn(user, Password) {
  return begin(user, 'authenticateUser', new AuthenticationDetails({ Username: user.getUsername(), Password }));
}

// Sign-up, with a code from the mail that arrives.
const attributes = [new CognitoUserAttribute({ Name: 'email', Value: given.ada }),
  new CognitoUserAttribute({ Name: 'name', Value: 'Ada Example' })];
const signedUp = await ask(pool, 'signUp', given.ada, FIRST, attributes, null);
said.signedUp = [signedUp.userConfirmed, signedUp.codeDeliveryDetails.AttributeName];
said.taken = await refused(ask(pool, 'signUp', given.ada, FIRST, attributes, null));
const ada = somebody(given.ada);
said.unconfirmed = await refused(logIn(ada, FIRST));
const first = await code(given.ada);
said.wrongCode = await refused(ask(ada, 'confirmRegistration', first === '000000' ? '000001' : '000000', true));
await ask(ada, 'resendConfirmationCode');
said.confirmed = await ask(ada, 'confirmRegistration', await code(given.ada), true);

// SRP.
said.wrongPassword = await refused(logIn(ada, SECOND));
said.nobody = await refused(logIn(somebody('nobody@example.com'), FIRST));
let session = (await logIn(ada, FIRST)).values[0];
const claims = session.getIdToken().payload;
said.idToken = [claims.email, claims.sub === signedUp.userSub, claims.token_use];
said.scope = session.getAccessToken().payload.scope;
ada.setAuthenticationFlowType('USER_PASSWORD_AUTH');
said.byPassword = (await logIn(ada, FIRST)).name;
ada.setAuthenticationFlowType('USER_SRP_AUTH');
await logIn(ada, FIRST);

// Attributes.
said.updated = await ask(ada, 'updateAttributes', [new CognitoUserAttribute({ Name: 'nickname', Value: 'countess' })]);
const shown = async () => Object.fromEntries((await ask(ada, 'getUserAttributes')).map((one) => [one.Name, one.Value]));
said.attributes = [(await shown()).nickname, (await shown()).email_verified];
said.deleted = await ask(ada, 'deleteAttributes', ['nickname']);
said.afterDeletion = (await shown()).nickname ?? null;
said.changed = await ask(ada, 'changePassword', FIRST, SECOND);
said.oldPassword = await refused(logIn(somebody(given.ada), FIRST));

// Refresh. The client keeps what it is given.
session = (await logIn(ada, SECOND)).values[0];
const renewed = await ask(ada, 'refreshSession', session.getRefreshToken());
said.refreshed = renewed.getAccessToken().getJwtToken() !== session.getAccessToken().getJwtToken();
said.sameSignIn = renewed.getAccessToken().payload.origin_jti === session.getAccessToken().payload.origin_jti;
await ask(ada, 'refreshSession', renewed.getRefreshToken());

// An authenticator app.
const seed = await told(ada, 'associateSoftwareToken');
const used = totp(seed);
said.wrongApp = await refused(told(ada, 'verifySoftwareToken', '000000', 'phone'));
said.app = (await told(ada, 'verifySoftwareToken', used, 'phone')).Status;
said.preferred = await ask(ada, 'setUserMfaPreference', null, { Enabled: true, PreferredMfa: true });
const data = await ask({ data: (then) => ada.getUserData(then, { bypassCache: true }) }, 'data');
said.factors = [data.PreferredMfaSetting, data.UserMFASettingList];
const asked = await logIn(ada, SECOND);
said.asked = asked.name;
said.replayed = await refused(begin2('sendMFACode', used));
await logIn(ada, SECOND);
said.byApp = (await begin2('sendMFACode', totp(seed, 1))).name;
said.unset = await ask(ada, 'setUserMfaPreference', null, { Enabled: false, PreferredMfa: false });

// Forgotten.
said.forgot = (await told(ada, 'forgotPassword')).CodeDeliveryDetails.DeliveryMedium;
said.wrongReset = await refused(told(ada, 'confirmPassword', 'x000000', THIRD));
said.reset = await told(ada, 'confirmPassword', await code(given.ada), THIRD);

// Out, everywhere.
session = (await logIn(ada, THIRD)).values[0];
await told(ada, 'globalSignOut');
ada.signInUserSession = session;
said.afterSignOut = await refused(
  ask({ data: (then) => ada.getUserData(then, { bypassCache: true }) }, 'data'));

// Somebody with a password of an operator.
const invited = somebody(given.invited.name);
const must = await logIn(invited, given.invited.password);
said.invited = must.name;
const chosen = await begin(invited, 'completeNewPasswordChallenge', THIRD, { name: 'Invited Example' });
said.chosen = [chosen.name, chosen.values[0].getIdToken().payload.name];
said.temporary = await refused(logIn(somebody(given.invited.name), given.invited.password));

// Gone.
await logIn(ada, THIRD);
said.gone = await ask(ada, 'deleteUser');
said.afterwards = await refused(logIn(somebody(given.ada), THIRD));

process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));

// sendMFACode has one more word behind its callbacks.
function begin2(method, answer) {
  return new Promise((resolve, reject) =>
    ada[method](answer, { onSuccess: (one) => resolve({ name: 'signed in', values: [one] }), onFailure: reject },
      'SOFTWARE_TOKEN_MFA'));
}
