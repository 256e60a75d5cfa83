import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, base64url: 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** By what a secret is kept and found. A secret of 256 bits needs no slow hash, and a lookup by hash leaks no prefix. */
export function secretId(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
