import type { Hash } from '@blyan/interface';

// Keys of the state. A name's slashes are written %2F: what follows a name could be part of another one otherwise.

const escaped = (name: string): string => name.replaceAll('/', '%2F');

export const PACT_KEY = 'pact';
/** The validators of the epoch after the next one that begins. */
export const VALIDATORS_KEY = 'validators';

/** @param address - ed25519 public key, 64 lower-case hexadecimal digits */
export function accountKey(address: string): string {
  return `account/${address}`;
}

/** @param address - ed25519 public key of the node, 64 lower-case hexadecimal digits */
export function nodeKey(address: string): string {
  return `node/${address}`;
}

export function modelKey(name: string): string {
  return `model/${escaped(name)}`;
}

/** The name in a {@link modelKey} or {@link modelVersionKey}, and the version in the latter. */
export function modelOfKey(key: string): { readonly name: string; readonly version: string | undefined } {
  const [, name = '', version] = key.split('/');
  return { name: name.replaceAll('%2F', '/'), version };
}

export function modelVersionKey(name: string, version: string): string {
  return `${modelKey(name)}/${version}`;
}

export function expertKey(name: string, layer: number, expert: number): string {
  return `expert/${escaped(name)}/${layer}/${expert}`;
}

/** Says by its existence that a record, of any lane but C, is on the chain; its value is the height. */
export function recordKey(hash: Hash): string {
  return `record/${hash}`;
}
