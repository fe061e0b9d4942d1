// An OpenID provider by others (npm oidc-provider) on 127.0.0.1, for one client that gets JWT access tokens. Its
// argument is the port, 0 or none: any.
//
// Prints one line of JSON when it listens: {"issuer", "kids"}. After SIGUSR2 it signs with a new key, still
// publishes the old one, and prints the line again. Ends with its standard input, so that it outlives no test.

import { webcrypto } from 'node:crypto';
import { createServer } from 'node:http';

// What Node 18 (Debian 12) does not have yet.
globalThis.crypto ??= webcrypto;
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);
const { exportJWK, generateKeyPair } = await import('jose');
const { default: Provider } = await import('oidc-provider');

const AUDIENCE = 'https://api.example.com';
const keys = [await newKey(1)];
let handle;

const server = createServer((request, response) => handle(request, response));
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  serve();
  process.on('SIGUSR2', async () => {
    keys.unshift(await newKey(keys.length + 1)); // it signs with the first one
    serve();
  });
});
process.stdin.on('end', () => process.exit(0)).resume();

async function newKey(number) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: `key-${number}`, use: 'sig', alg: 'RS256' };
}

function serve() {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = new Provider(issuer, configuration()).callback();
  console.log(JSON.stringify({ issuer, kids: keys.map((key) => key.kid) }));
}

function configuration() {
  return {
    jwks: { keys },
    clients: [
      {
        client_id: 'notes-app',
        client_secret: 'a-secret-of-the-tests-only',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    scopes: ['notes/read', 'notes/write'],
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, audience) => ({
          scope: 'notes/read notes/write',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}
