import { StoreError } from './errors.ts';

/** Longest key, in characters. */
export const MAX_STORE_KEY = 512;
const KEY = /^[!-~]{1,512}$/;

/** @throws ERR_STORE_KEY unless the key is printable ASCII without spaces, 1 to 512 characters */
export function assertStoreKey(key: string): void {
  if (KEY.test(key)) return;
  throw new StoreError(
    'ERR_STORE_KEY',
    `A key of the store must be 1 to ${MAX_STORE_KEY} printable ASCII characters without spaces.`,
    { kind: 'caller', meta: { length: key.length } },
  );
}
