import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  generateKeyPair,
  sha256,
  sha256Noble,
  sign,
  signEd25519,
  toHex,
  verify,
  verifyEd25519,
  verifyEd25519Noble,
} from '../src/index.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

it('node and noble hash alike, in any number of parts', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (parts) => {
      expect(toHex(sha256(...parts))).toBe(toHex(sha256Noble(...parts)));
      expect(toHex(sha256(...parts))).toBe(toHex(sha256(Buffer.concat(parts))));
    }),
  );
});

it('node and noble hash alike where one call turns into many', () => {
  for (const length of [4_095, 4_096, 4_097]) {
    const parts = [new Uint8Array(length - 1).fill(7), Uint8Array.of(1)];
    expect(toHex(sha256(...parts))).toBe(toHex(sha256Noble(...parts)));
  }
});

it('node and noble agree on true, damaged and random signatures', () => {
  const { secretSeed, publicKey } = generateKeyPair();
  const flip = fc.record({ at: fc.nat(95), bit: fc.nat(7) });
  fc.assert(
    fc.property(bytes, fc.option(flip), (message, damage) => {
      const both = Buffer.concat([signEd25519(message, secretSeed), publicKey]);
      if (damage !== null) both[damage.at] = (both[damage.at] as number) ^ (1 << damage.bit);
      const args = [message, both.subarray(0, 64), both.subarray(64)] as const;
      expect(verifyEd25519(...args)).toBe(damage === null);
      expect(verifyEd25519Noble(...args)).toBe(damage === null);
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (s, k) => {
        expect(verifyEd25519(k, s, k)).toBe(verifyEd25519Noble(k, s, k));
      },
    ),
    { numRuns: 60 },
  );
});

it('a signature holds in its own domain only', () => {
  const { secretSeed, publicKey } = generateKeyPair();
  fc.assert(
    fc.property(bytes, (message) => {
      const signature = sign('blyan/a', message, secretSeed);
      expect(verify('blyan/a', message, signature, publicKey)).toBe(true);
      expect(verify('blyan/b', message, signature, publicKey)).toBe(false);
    }),
    { numRuns: 30 },
  );
  expect(() => sign('', new Uint8Array(), secretSeed)).toThrow(/domain/);
});
