import { verifyEd25519 } from './ed25519.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 and strict ed25519 by OpenSSL, in the shape the chain's formats take; noble's give the same, seventeen times slower. */
export const nodeSuite = { sha256, verify: verifyEd25519 } as const;
