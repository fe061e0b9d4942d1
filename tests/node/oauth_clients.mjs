// Drives openid-client, jose and aws-jwt-verify against the issuer that is its first argument; the second is a JSON
// object {confidential, secret, jobs, callback, goodbye}. The browser is this script: it posts the log-in form.
//
// Prints one JSON object with what each step has given, and ends; a refusal that was not expected ends it with 1.

import { webcrypto } from 'node:crypto';

// What Node 18 (Debian 12) does not have yet.
globalThis.crypto ??= webcrypto;
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);
const client = await import('openid-client');
const { createRemoteJWKSet, jwtVerify } = await import('jose');
const { JwtRsaVerifier } = await import('aws-jwt-verify');

const issuer = process.argv[2];
const names = JSON.parse(process.argv[3]);
const insecure = { execute: [client.allowInsecureRequests] };
const said = {};

// Discovery, code + PKCE, userInfo.
const config = await client.discovery(
  new URL(issuer), names.confidential, names.secret, client.ClientSecretBasic(names.secret), insecure);
said.issuer = config.serverMetadata().issuer;
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: names.callback,
  scope: 'openid email notes/read',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
});
const tokens = await client.authorizationCodeGrant(config, await logIn(url), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const claims = tokens.claims();
said.sub = claims.sub;
said.email = (await client.fetchUserInfo(config, tokens.access_token, claims.sub)).email;

// Others judge our tokens.
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
const byJose = await jwtVerify(tokens.id_token, keys, { issuer, audience: names.confidential, algorithms: ['RS256'] });
said.jose = byJose.payload.token_use;
said.joseRefusesAccessAsId = await refused(
  jwtVerify(tokens.access_token, keys, { issuer, audience: names.confidential }));
const aws = JwtRsaVerifier.create({ issuer, audience: names.confidential, jwksUri: config.serverMetadata().jwks_uri });
aws.cacheJwks(await (await fetch(config.serverMetadata().jwks_uri)).json());
said.aws = (await aws.verify(tokens.id_token)).token_use;
const ofAccess = JwtRsaVerifier.create({ issuer, audience: null, jwksUri: config.serverMetadata().jwks_uri });
ofAccess.cacheJwks(await (await fetch(config.serverMetadata().jwks_uri)).json());
said.awsAccess = (await ofAccess.verify(tokens.access_token)).client_id;

// Refresh, revoke.
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
said.refreshed = refreshed.claims().sub === claims.sub && refreshed.access_token !== tokens.access_token;
await client.tokenRevocation(config, tokens.refresh_token);
said.afterRevocation = await refused(client.refreshTokenGrant(config, tokens.refresh_token));
said.userInfoAfterRevocation = await refused(client.fetchUserInfo(config, tokens.access_token, claims.sub));

// Client credentials, with the secret in the form.
const jobs = await client.discovery(
  new URL(issuer), names.jobs, names.secret, client.ClientSecretPost(names.secret), insecure);
const ofJobs = await client.clientCredentialsGrant(jobs, { scope: 'notes/read' });
said.jobs = [ofJobs.scope ?? (await ofAccess.verify(ofJobs.access_token)).scope, ofJobs.refresh_token ?? null];

// Log-out.
const end = client.buildEndSessionUrl(config, {
  post_logout_redirect_uri: names.goodbye, id_token_hint: tokens.id_token, state: 'bye' });
said.goodbye = (await fetch(end, { redirect: 'manual' })).headers.get('location');

console.log(JSON.stringify(said));

async function logIn(at) {
  const toLogin = await fetch(at, { redirect: 'manual' });
  const back = await fetch(toLogin.headers.get('location'), { method: 'POST', redirect: 'manual' });
  return new URL(back.headers.get('location'));
}

async function refused(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.error ?? error.code ?? error.name;
  }
}
