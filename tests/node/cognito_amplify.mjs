// Drives the auth of aws-amplify v6. Its argument is a JSON object {endpoint, pool, client, mailbox, ada, moved, invited}:
// ada and moved are addresses that nobody has signed up with; invited is {name, password} of somebody whom an operator
// made.
//
// Prints one JSON object with what each step has given; a refusal that was not expected ends it with 1.

import { Amplify } from 'aws-amplify';
import * as auth from 'aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from 'aws-amplify/auth/cognito';
import { claims, mailbox, refused, totp } from './people.mjs';

const given = JSON.parse(process.argv[2]);
const code = mailbox(given.mailbox);
const said = {};
const FIRST = 'correct horse battery';
const SECOND = 'another horse, another battery';
const THIRD = 'a third horse without any battery';

const items = new Map();
Amplify.configure({
  Auth: { Cognito: { userPoolId: given.pool, userPoolClientId: given.client, userPoolEndpoint: given.endpoint } } });
cognitoUserPoolsTokenProvider.setKeyValueStorage({
  async setItem(key, value) { items.set(key, value); },
  async getItem(key) { return items.get(key) ?? null; },
  async removeItem(key) { items.delete(key); },
  async clear() { items.clear(); },
});

const username = given.ada;
const tokens = async (how) => (await auth.fetchAuthSession(how)).tokens;
const logIn = (password, options) => auth.signIn({ username, password, options });

// Sign-up.
const signedUp = await auth.signUp({
  username, password: FIRST, options: { userAttributes: { email: given.ada, name: 'Ada Example' } } });
said.signedUp = [signedUp.isSignUpComplete, signedUp.nextStep.signUpStep];
said.unconfirmed = (await logIn(FIRST)).nextStep.signInStep;
await code(username);
said.resent = (await auth.resendSignUpCode({ username })).deliveryMedium;
const confirmation = await code(username);
said.wrongCode = await refused(auth.confirmSignUp({
  username, confirmationCode: confirmation === '000000' ? '000001' : '000000' }));
const confirmed = await auth.confirmSignUp({ username, confirmationCode: confirmation });
said.confirmed = [confirmed.isSignUpComplete, confirmed.nextStep.signUpStep];
await logIn(FIRST);

// Sign-in.
said.taken = await refused(auth.signUp({ username, password: FIRST, options: { userAttributes: { email: username } } }));
said.user = (await auth.getCurrentUser()).userId === signedUp.userId;
await auth.signOut();
said.wrongPassword = await refused(logIn(SECOND));
said.bySrp = (await logIn(FIRST)).nextStep.signInStep;
await auth.signOut();
said.byPassword = (await logIn(FIRST, { authFlowType: 'USER_PASSWORD_AUTH' })).nextStep.signInStep;
const before = await tokens();
said.idToken = [before.idToken.payload.email, before.accessToken.payload.scope];
const after = await tokens({ forceRefresh: true });
said.refreshed = after.accessToken.toString() !== before.accessToken.toString();
await tokens({ forceRefresh: true });

// Attributes.
said.updated = (await auth.updateUserAttributes({ userAttributes: { nickname: 'countess' } })).nickname.isUpdated;
said.nickname = (await auth.fetchUserAttributes()).nickname;
await auth.deleteUserAttributes({ userAttributeKeys: ['nickname'] });
said.noNickname = (await auth.fetchUserAttributes()).nickname ?? null;
said.readOnly = await refused(auth.updateUserAttributes({ userAttributes: { sub: 'mine' } }));
const moving = await auth.updateUserAttributes({ userAttributes: { email: given.moved } });
said.moving = moving.email.nextStep.updateAttributeStep;
await auth.confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: await code(given.moved) });
const moved = await auth.fetchUserAttributes();
said.moved = [moved.email === given.moved, moved.email_verified];
await auth.updatePassword({ oldPassword: FIRST, newPassword: SECOND });

// An authenticator app.
const setup = await auth.setUpTOTP();
said.wrongApp = await refused(auth.verifyTOTPSetup({ code: '000000' }));
await auth.verifyTOTPSetup({ code: totp(setup.sharedSecret) });
await auth.updateMFAPreference({ totp: 'PREFERRED' });
said.preference = await auth.fetchMFAPreference();
await auth.signOut();
const again = (password, options) => auth.signIn({ username: given.moved, password, options });
said.asked = (await again(SECOND)).nextStep.signInStep;
said.wrongTotp = await refused(auth.confirmSignIn({ challengeResponse: totp(setup.sharedSecret, -9) }));
said.byApp = (await auth.confirmSignIn({ challengeResponse: totp(setup.sharedSecret, 1) })).isSignedIn;
await auth.updateMFAPreference({ totp: 'DISABLED' });

// Forgotten.
await auth.signOut();
said.forgot = (await auth.resetPassword({ username: given.moved })).nextStep.resetPasswordStep;
said.wrongReset = await refused(auth.confirmResetPassword({
  username: given.moved, confirmationCode: 'x000000', newPassword: THIRD }));
await auth.confirmResetPassword({
  username: given.moved, confirmationCode: await code(given.moved), newPassword: THIRD });

// Out, everywhere: what this sign-in has given is shown to whoever asks on.
await again(THIRD);
said.token = (await tokens()).accessToken.toString();
await auth.signOut({ global: true });
said.signedOut = await refused(auth.getCurrentUser());

// Somebody with a password of an operator.
const must = await auth.signIn({ username: given.invited.name, password: given.invited.password });
said.invited = must.nextStep.signInStep;
const chosen = await auth.confirmSignIn({
  challengeResponse: THIRD, options: { userAttributes: { name: 'Invited Example' } } });
said.chosen = [chosen.isSignedIn, claims((await tokens()).idToken.toString()).name];

// Gone.
await auth.deleteUser();
said.gone = await refused(auth.signIn({ username: given.invited.name, password: THIRD }));

// Its timers would hold the process for minutes.
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
