import { isRoot } from '@blyan/interface';
import type { ProtocolParams } from '@blyan/params';
import { z } from 'zod';
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

/** A founding validator: name, Ed25519 public key in hex, weight of its vote. */
const validator = z.strictObject({ name: z.string().min(1).max(64), publicKey: digest, weight: positive });

/** `validators.json`. */
export const validatorsSchema = z.strictObject({
  version: z.literal(1),
  note: z.string().max(1_024),
  validators: z.array(validator).max(1_024),
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
  /** None: the network has no chain. */
  validators: validatorsSchema.shape.validators,
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
