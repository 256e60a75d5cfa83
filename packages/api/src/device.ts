import { SCOPES } from '@blyan/interface';
import { z } from 'zod';
import { createdKey } from './auth.ts';
import { USER_CODE } from './user-code.ts';

/** A code as it is kept; people write it `BCDF-GHJK`. */
export const userCode = z.string().regex(USER_CODE, 'Expected the 8 letters that the program shows');

/** Body of `POST /auth/device`: a program asks for a key that a person approves at the gateway's page (after RFC 8628). */
export const deviceRequest = z.looseObject({
  /** What the key will be called. */
  name: z.string().trim().min(1).max(64),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).default(['inference']),
});

/** Its answer. */
export const deviceAnswer = z.object({
  /** For the program, which gets the key with it. A secret. */
  deviceCode: z.string(),
  /** For the person, who enters it at `verificationUri`. */
  userCode: z.string(),
  verificationUri: z.string(),
  /** Milliseconds and a Z, as `Date.prototype.toISOString` writes it. */
  expiresAt: z.string(),
  /** How long to wait between two questions. */
  intervalSeconds: z.int(),
});
export type DeviceAnswer = z.infer<typeof deviceAnswer>;

/** Body of `POST /auth/device/key`. */
export const deviceKeyRequest = z.looseObject({ deviceCode: z.string().max(128) });

/** Its answer: the key, once, after the person approved. */
export const deviceKeyAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('pending') }),
  z.object({ status: z.literal('approved'), key: createdKey }),
]);
export type DeviceKeyAnswer = z.infer<typeof deviceKeyAnswer>;

/** Answer of `GET /auth/device/{code}`: what a person should know before approving. */
export const deviceView = z.object({
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  /** Where the program asked from; null where the gateway cannot tell, or it is its own machine. */
  network: z.string().nullable(),
  expiresAt: z.string(),
});
export type DeviceView = z.infer<typeof deviceView>;

/** Body of `POST /auth/device/{code}`. */
export const deviceDecision = z.looseObject({ approve: z.boolean() });
