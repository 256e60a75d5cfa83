import { readFileSync } from 'node:fs';
import { Point } from '@noble/ed25519';
import { describe, expect, it } from 'vitest';
import {
  fromHex,
  nodeSuite,
  publicKeyOf,
  signEd25519,
  toHex,
  verifyEd25519,
  verifyEd25519Noble,
} from '../src/index.ts';

const P = Point.CURVE().p;
const L = Point.CURVE().n;

function encode(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
}

/** Both implementations, which must agree; OpenSSL's with a new key and with one it has kept. */
function verdict(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  const node = verifyEd25519(message, signature, publicKey);
  expect(nodeSuite.verify(message, signature, publicKey)).toBe(node);
  expect(verifyEd25519Noble(message, signature, publicKey)).toBe(node);
  return node;
}

describe('ed25519', () => {
  // RFC 8032 section 7.1, tests 1 to 3.
  const rfc = [
    {
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    },
    {
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    },
    {
      seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      message: 'af82',
      signature:
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    },
  ];

  it('signs and verifies as RFC 8032 says', () => {
    for (const { seed, publicKey, message, signature } of rfc) {
      expect(toHex(publicKeyOf(fromHex(seed)))).toBe(publicKey);
      expect(toHex(signEd25519(fromHex(message), fromHex(seed)))).toBe(signature);
      expect(verdict(fromHex(message), fromHex(signature), fromHex(publicKey))).toBe(true);
    }
  });

  it('gives one verdict on the twelve vectors of "Taming the many EdDSAs", that of libsodium', () => {
    const file = new URL('./fixtures/ed25519-speccheck.json', import.meta.url);
    const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
      cases: { message: string; publicKey: string; signature: string; valid: boolean }[];
    };
    expect(cases).toHaveLength(12);
    const verdicts = cases.map((c) => verdict(fromHex(c.message), fromHex(c.signature), fromHex(c.publicKey)));
    expect(verdicts).toEqual(cases.map((c) => c.valid));
  });

  it('refuses all 196 pairs of small-order and non-canonical A and R that ZIP 215 accepts', () => {
    // The encodings of Zcash's vectors: the eight points, and every y in [p, 2^255) or sign of zero that names one.
    const torsion = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const encodings = new Set<string>();
    for (let i = 0n, point = Point.ZERO; i < 8n; i++, point = point.add(torsion)) {
      const y = point.y;
      const signs = point.x === 0n ? [0n, 1n] : [point.x & 1n];
      const ys = y + P < 1n << 255n ? [y, y + P] : [y];
      for (const sign of signs) for (const v of ys) encodings.add(toHex(encode(v | (sign << 255n))));
    }
    expect(encodings.size).toBe(14);
    for (const a of encodings) {
      for (const r of encodings) {
        const signature = Buffer.concat([fromHex(r), new Uint8Array(32)]);
        expect(verdict(Buffer.from('Zcash'), signature, fromHex(a))).toBe(false);
      }
    }
  });

  it('refuses S + L, keys that are not on the curve, y >= p and wrong sizes', () => {
    const { message, signature, publicKey } = rfc[2] as (typeof rfc)[number];
    const [m, s, k] = [fromHex(message), fromHex(signature), fromHex(publicKey)];
    const scalar = BigInt(`0x${toHex(Uint8Array.from(s.subarray(32)).reverse())}`);
    expect(verdict(m, Buffer.concat([s.subarray(0, 32), encode(scalar + L)]), k)).toBe(false);
    expect(verdict(m, s, fromHex(`02${'00'.repeat(31)}`))).toBe(false);
    for (let y = P; y < 1n << 255n; y++) expect(verdict(m, s, encode(y))).toBe(false);
    expect(verdict(m, s.subarray(1), k)).toBe(false);
    expect(verdict(m, s, k.subarray(1))).toBe(false);
    expect(verdict(m, Buffer.concat([s, Uint8Array.of(0)]), k)).toBe(false);
  });

  it('refuses a key with a torsion component where the equation holds only with the cofactor', () => {
    const torsion = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const { message, signature, publicKey } = rfc[1] as (typeof rfc)[number];
    const s = fromHex(signature);
    const shiftedR = Point.fromBytes(s.subarray(0, 32)).add(torsion).toBytes();
    expect(verdict(fromHex(message), Buffer.concat([shiftedR, s.subarray(32)]), fromHex(publicKey))).toBe(false);
  });
});
