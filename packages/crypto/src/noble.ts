// What also runs in a browser: nothing here imports node:crypto.

export { domainMessage } from './domain-message.ts';
export { verifyEd25519Noble } from './ed25519-noble.ts';
export { fromHex, toHex } from './hex.ts';
export { sha256Noble } from './sha256-noble.ts';
