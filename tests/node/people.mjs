// What a person has besides a client: a mailbox and an authenticator app.

import { createHmac } from 'node:crypto';

// Of a mailbox that `tests.support.postbox` shows: the code of the next mail to this address.
export function mailbox(url) {
  return async (address) => {
    const found = await fetch(`${url}/code?to=${encodeURIComponent(address)}`);
    if (!found.ok) throw new Error(`no mail to ${address}`);
    return found.text();
  };
}

// RFC 6238. Steps are 30 s away from now; a code can be used once, and one step of drift is allowed either way.
export function totp(seed, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...seed].map((one) => alphabet.indexOf(one).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, '0');
}

export async function refused(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return error.code ?? error.name;
  }
}

export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
