import { SCOPES } from '@blyan/interface';
import { z } from 'zod';

export const AUTH_MODES = ['off', 'optional', 'required'] as const;
/** `off`: everybody is a guest. `optional`: whoever does not sign in is one. `required`: answers are for those who did. */
export type AuthMode = (typeof AUTH_MODES)[number];

/**
 * Why nobody can sign in: `auth_off` everybody is a guest, `no_origin` the gateway is not told under which name people reach it, `origin_invalid`
 * that name is none, `plain_http` it is not https and not of this machine.
 */
export const SIGN_IN_REFUSALS = ['auth_off', 'no_origin', 'origin_invalid', 'plain_http'] as const;
export type SignInRefusal = (typeof SIGN_IN_REFUSALS)[number];

/** Milliseconds and a Z, as `Date.prototype.toISOString` writes it. */
const time = z.string();
const ethereumAddress = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/i, 'Expected an Ethereum address: 0x and 40 hexadecimal digits');

/** An account as the gateway writes it: an address in lower case. */
export const ethereumAccount = ethereumAddress.toLowerCase();

/** Body of `POST /auth/siwe/challenge`. */
export const siweChallengeRequest = z.looseObject({
  address: ethereumAddress,
  /** EIP-155 id of the chain the wallet is on. */
  chainId: z.int().min(1).default(1),
});

/** Its answer; a cookie comes with it, without which the signature is worth nothing. */
export const siweChallenge = z.object({ message: z.string(), nonce: z.string(), expiresAt: time });
export type SiweChallengeAnswer = z.infer<typeof siweChallenge>;

/** Body of `POST /auth/siwe/verify`: the message byte for byte, and what `personal_sign` returned. */
export const siweVerifyRequest = z.looseObject({
  message: z.string().max(2048),
  /** Those of multi-signature wallets grow with their owners. */
  signature: z
    .string()
    .max(8194)
    .regex(/^0x([0-9a-f]{2})+$/i, 'Expected 0x and an even number of hexadecimal digits'),
});

/** Its answer; the cookie of the session comes with it. */
export const signedIn = z.object({
  /** `0x` and 40 lower-case digits. */
  address: z.string(),
  /** When the session ends if it is not used. */
  expiresAt: time,
});
export type SignedInAnswer = z.infer<typeof signedIn>;

/** Answer of `GET /auth/session`: who the browser is here, and how one becomes somebody. */
export const sessionAnswer = z.object({
  kind: z.enum(['guest', 'address']),
  address: z.string().nullable(),
  expiresAt: time.nullable(),
  auth: z.enum(AUTH_MODES),
  /** Why nobody can sign in; null when people can. */
  signInRefusal: z.string().nullable(),
  /** The same for programs. */
  signInRefusalReason: z.enum(SIGN_IN_REFUSALS).nullable(),
  /** Where people can sign in, the main one first: the page signs nobody in under another. */
  origins: z.array(z.string()),
  /** Whether wallets that are contracts can sign in (EIP-1271). */
  takesContractWallets: z.boolean(),
  /** Chains a wallet may be on. */
  chainIds: z.array(z.int()),
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;

/** Query of `DELETE /auth/sessions`: all of the account end, or all but the one that asks. */
export const sessionsToEnd = z.object({ except: z.literal('current').optional() });

/** Answer of `GET /auth/sessions`. */
export const sessionList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** Browser and system as the browser called itself, `Firefox, Windows`; null for a program. */
      device: z.string().nullable(),
      createdAt: time,
      lastUsedAt: time,
      expiresAt: time,
      isCurrent: z.boolean(),
    }),
  ),
});
export type SessionList = z.infer<typeof sessionList>;

/** The id of a listed session or key. */
export const listedId = z.string().regex(/^[0-9a-f]{16}$/, 'Expected 16 hexadecimal digits');

/** Answer of what ends sessions or keys. */
export const revoked = z.object({ revoked: z.int() });

/** How far an account is trusted; each level allows more than the one before it. */
export const TRUST_LEVELS = ['newbie', 'trusted', 'expert'] as const;
export type TrustLevel = (typeof TRUST_LEVELS)[number];

/** Answer of `GET /auth/limits`: what the account may do, how much of it is left, and what other levels may do. */
export const limitsAnswer = z.object({
  /** Whether they are enforced at this gateway. */
  isEnforced: z.boolean(),
  level: z.enum(TRUST_LEVELS),
  /** Good and bad answers that count, and the share of good ones that they make believable at 95 %. */
  trust: z.object({ good: z.int(), bad: z.int(), lowerBound: z.number() }),
  /** What is missing for the next level if no answer is bad; null at the highest. */
  next: z
    .object({
      level: z.enum(TRUST_LEVELS),
      /** Good answers more. */
      goodMissing: z.int(),
      /** Of which so many count on one day, and so many of today's did. */
      goodPerDay: z.int(),
      goodToday: z.int(),
    })
    .nullable(),
  levels: z.array(
    z.object({
      level: z.enum(TRUST_LEVELS),
      /** The believable share of good answers from which an account has it. */
      lowerBoundFrom: z.number(),
      requestsPerMinute: z.int(),
      tokensPerMinute: z.int(),
      streams: z.int(),
      requestsPerDay: z.int(),
    }),
  ),
  streams: z.object({ limit: z.int(), open: z.int() }),
  rates: z.array(
    z.object({
      name: z.enum(['requests', 'tokens', 'day']),
      limit: z.int(),
      windowSeconds: z.int(),
      remaining: z.int(),
    }),
  ),
});
export type LimitsAnswer = z.infer<typeof limitsAnswer>;

const keyName = z.string().trim().min(1).max(64);

/** Body of `POST /auth/keys`. */
export const keyRequest = z.looseObject({
  name: keyName,
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).default(['inference']),
  /** Null: it is good until it is revoked. */
  expiresInDays: z.int().min(1).max(3650).nullable().default(null),
});

/** Of a key, as it is told to its account and to the operator. */
export const keyFields = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  /** The last characters of the key. */
  hint: z.string(),
  createdAt: time,
  /** To the minute. */
  lastUsedAt: time.nullable(),
  expiresAt: time.nullable(),
};

/** Answer of `GET /auth/keys`. */
export const keyList = z.object({ data: z.array(z.object(keyFields)) });
export type KeyList = z.infer<typeof keyList>;

/** Answer of `POST /auth/keys`: the only time that the key itself is told. */
export const createdKey = z.object({ ...keyFields, key: z.string() });
export type CreatedKey = z.infer<typeof createdKey>;
