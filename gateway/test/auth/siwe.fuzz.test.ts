import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecord } from '../../src/auth/auth-record.ts';
import type { AuthRecord } from '../../src/auth/auth-store.ts';
import { cookieHeader, readCookie } from '../../src/auth/cookies.ts';
import { recoverSigner } from '../../src/auth/ethereum.ts';
import { differingField } from '../../src/auth/siwe-differences.ts';
import { composeSiwe, parseSiwe } from '../../src/auth/siwe-message.ts';
import { GatewayError } from '../../src/errors.ts';
import { malleate, Wallet } from './wallet.ts';

const wallet = new Wallet();
const fields = {
  domain: '127.0.0.1:4700',
  address: wallet.address,
  statement: 'Sign in.',
  uri: 'http://127.0.0.1:4700',
  chainId: 1,
  nonce: '0123456789abcdef',
  issuedAt: '2026-11-27T12:00:00.000Z',
  expirationTime: '2026-11-27T12:05:00.000Z',
};
const message = composeSiwe(fields);

test('what is not our message byte for byte is refused by the grammar, or differs in a field', () => {
  const edit = fc.record({
    at: fc.nat(message.length),
    cut: fc.nat(40),
    put: fc.string({ unit: 'binary', maxLength: 40 }),
  });
  const line = fc.constantFrom(...message.split('\n').map((text) => `\n${text}`), '\r\n', '\nNonce: 12345678', 'é');
  fc.assert(
    fc.property(edit, fc.option(line), ({ at, cut, put }, extra) => {
      const changed = message.slice(0, at) + put + (extra ?? '') + message.slice(at + cut);
      fc.pre(changed !== message);
      try {
        expect(differingField(parseSiwe(changed), fields)).not.toBeNull();
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }),
    { numRuns: 60 },
  );
  expect(differingField(parseSiwe(message), fields)).toBeNull();
});

test('text of any kind is parsed or refused with our error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
      expect(() => parseSiwe(text)).toThrow(GatewayError);
    }),
  );
});

test('a changed signature is of nobody or of somebody else, and of one only', () => {
  const signature = wallet.sign(message);
  expect(recoverSigner(message, signature)).toBe(wallet.account);
  expect(recoverSigner(message, malleate(signature))).toBeNull();
  fc.assert(
    fc.property(fc.nat(64), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const bytes = Buffer.from(signature.slice(2), 'hex');
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      // 0 and 27, 1 and 28 are two spellings of one recovery id.
      fc.pre(at < 64 || ![0, 1].includes(bytes[64] ?? 0));
      expect(recoverSigner(message, `0x${bytes.toString('hex')}`)).not.toBe(wallet.account);
    }),
    { numRuns: 40 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 140 }), (text) => {
      expect(recoverSigner(message, text)).toBeNull();
    }),
  );
});

test('a cookie that was set is read; no header of a client makes the reader fail', () => {
  const name = fc.stringMatching(/^[\w-]{1,20}$/);
  fc.assert(
    fc.property(
      name,
      fc.stringMatching(/^[\w-]{1,64}$/),
      fc.array(fc.stringMatching(/^[^;]{0,20}$/)),
      (key, value, other) => {
        const pair = cookieHeader(key, value, 60).split(';')[0] ?? '';
        const others = other.filter((text) => text.split('=')[0]?.trim() !== key);
        expect(readCookie([...others, pair].join('; '), key)).toBe(value);
        expect(readCookie([pair, ...others, pair].join('; '), key)).toBeUndefined();
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (header) => void readCookie(header, 'session')));
});

test('a stored record is read back; other bytes are none', () => {
  const record = fc.record({
    id: fc.stringMatching(/^[0-9a-f]{64}$/),
    account: fc.string(),
    createdAtMs: fc.nat(),
    expiresAtMs: fc.option(fc.nat()),
    data: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.string(), fc.integer())),
  });
  fc.assert(
    fc.property(record, (one: AuthRecord) => {
      expect(decodeRecord(JSON.stringify(one))).toEqual(JSON.parse(JSON.stringify(one)));
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void decodeRecord(text)));
  fc.assert(fc.property(fc.json(), (text) => void decodeRecord(text)));
});
