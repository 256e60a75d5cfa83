import { isRoot } from '@blyan/interface';
import type { ProtocolParams } from '@blyan/params';
import { z } from 'zod';
import { expertTable, modelName, modelVersion } from '../records/body-parts.ts';
import { pactSchema } from './pact-schema.ts';

export const MAX_GENESIS_FILES = 256;

const positive = z.int().positive();
const digest = z.string().refine(isRoot, 'no lower-case SHA-256');

/** `protocol.json`: every parameter of `PROTOCOL_PARAMS`, of this or another build. */
export const protocolSchema = z.strictObject({
  tensorBlock: z.strictObject({
    version: positive,
    leafBytes: positive,
    merkleArity: positive,
    leavesPerTile: positive,
    tensorAlignment: positive,
    maxManifestBytes: positive,
    quantBlock: positive,
  }),
  records: z.strictObject({
    ttlMs: positive,
    maxTtlMs: positive,
    intervalMs: positive,
    maxBytes: positive,
    maxClockSkewMs: positive,
  }),
  wire: z.strictObject({
    majors: z.strictObject({
      records: positive,
      blocks: positive,
      inference: positive,
      consensus: positive,
      chain: positive,
    }),
    maxFrameBytes: positive,
    maxStepRows: positive,
  }),
  bounds: z.strictObject({
    maxSequenceTokens: positive,
    maxLayers: positive,
    maxExpertsPerLayer: positive,
    maxBlocks: positive,
    maxStages: positive,
  }),
  chain: z.strictObject({
    epochBlocks: positive,
    maxBlockBytes: positive,
    maxRecordBytes: positive,
    maxRecordsPerBlock: positive,
    maxTimeDriftMs: positive,
    maxValidators: positive,
  }),
}) satisfies z.ZodType<Widened<ProtocolParams>>;

type Widened<T> = T extends number ? number : { readonly [K in keyof T]: Widened<T[K]> };
export type GenesisProtocol = z.infer<typeof protocolSchema>;

/** No two items have the same value in this field. */
const distinct = (field: string) => (items: readonly object[]) =>
  new Set(items.map((item) => (item as Record<string, unknown>)[field])).size === items.length;

/** A founding validator: name, Ed25519 public key in hex, weight of its vote. */
const validator = z.strictObject({ name: z.string().min(1).max(64), publicKey: digest, weight: positive });

const validators = z
  .array(validator)
  .max(1_024)
  .refine(distinct('publicKey'), 'a key occurs twice')
  .refine((set) => set.reduce((sum, { weight }) => sum + weight, 0) <= Number.MAX_SAFE_INTEGER, 'too much weight');

/** `validators.json`. */
export const validatorsSchema = z.strictObject({
  version: z.literal(1),
  note: z.string().max(1_024),
  validators,
});

const file = z.strictObject({ path: z.string().min(1).max(256), byteLength: z.int().nonnegative(), sha256: digest });

const publicGenesis = z.strictObject({
  type: z.literal('blyan/genesis'),
  v: z.literal(1),
  access: z.literal('public'),
  pact: pactSchema,
  protocol: protocolSchema,
  validators: validatorsSchema.shape.validators,
  /** Every file of the folder, by path. */
  files: z.array(file).max(MAX_GENESIS_FILES),
});

/** Base units, decimal text; all accounts together below 2^128. */
const balance = z.string().regex(/^(0|[1-9]\d{0,38})$/);
const BALANCE_END = 1n << 128n;

export const privateName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$/);
export const privateSalt = z
  .instanceof(Uint8Array)
  .refine(({ length }) => length >= 16 && length <= 64, 'not 16 to 64 bytes');

const privateGenesis = z.strictObject({
  type: z.literal('blyan/genesis'),
  v: z.literal(1),
  access: z.literal('private'),
  name: privateName,
  salt: privateSalt,
  /** The model the network was started for. */
  modelRoot: digest.optional(),
  protocol: protocolSchema,
  /** Of the first two epochs; a network without them has no chain that moves. */
  validators,
  /** What there is of BLY, by address. */
  accounts: z
    .array(z.strictObject({ address: digest, balance }))
    .max(65_536)
    .refine(distinct('address'), 'an address occurs twice')
    .refine((accounts) => accounts.reduce((sum, account) => sum + BigInt(account.balance), 0n) < BALANCE_END, 'too much')
    .optional(),
  /** Published before the first block. */
  models: z
    .array(
      z.strictObject({ name: modelName, version: modelVersion, root: digest, owner: digest, experts: expertTable }),
    )
    .max(16)
    .refine(distinct('name'), 'a name occurs twice')
    .optional(),
});

export type GenesisValidator = z.infer<typeof validator>;

export const genesisSchema = z.discriminatedUnion('access', [publicGenesis, privateGenesis]);
export type PublicGenesis = z.infer<typeof publicGenesis>;
export type PrivateGenesis = z.infer<typeof privateGenesis>;
/** The first words of a network: its hash is the network id. */
export type Genesis = PublicGenesis | PrivateGenesis;

/** One line per problem, naming the field: `voting.periodSeconds: …`. Never quotes the value. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
    .join('; ');
}
