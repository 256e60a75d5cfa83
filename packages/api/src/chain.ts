import { z } from 'zod';
import { API_LIMITS } from './limits.ts';

const DIGEST = /^[0-9a-f]{64}$/;
const digest = z.string().regex(DIGEST, 'Expected 64 lower-case hexadecimal digits');
const height = z.int().min(0);
/** Bytes in standard base64. */
const base64 = z.string();
/** An integer of any size in decimal digits. */
const amount = z.string();

/** Answer of `GET /api/v1/chain/head`: the newest final block, and how the node that answers stands to the chain. */
export const chainHead = z.object({
  networkId: z.string(),
  height,
  hash: z.string(),
  epoch: z.int(),
  /** Milliseconds since 1970, of the block. */
  timeMs: z.int(),
  stateRoot: z.string(),
  validators: z.int(),
  /** Whether the node is a validator of this epoch. */
  validates: z.boolean(),
  /** Records that wait for a block at this node. */
  pending: z.int(),
  /** How long they have waited without a new final block, milliseconds; 0 when none wait. */
  waitingMs: z.number(),
  /** Proof, in hexadecimal, of what validators did that no honest one does; at most 16. */
  evidence: z
    .array(z.object({ epoch: z.int(), view: z.int(), validator: z.int(), proof: z.string() }).readonly())
    .readonly(),
});
export type ChainHeadAnswer = z.infer<typeof chainHead>;

/** What a header commits to, with its hash. */
export const blockSummary = z.object({
  hash: z.string(),
  height,
  epoch: z.int(),
  view: z.int(),
  parent: z.string(),
  timeMs: z.int(),
  /** Index in the validator set of the epoch. */
  proposer: z.int(),
  recordCount: z.int(),
  recordsRoot: z.string(),
  stateRoot: z.string(),
  validatorsHash: z.string(),
  nextValidatorsHash: z.string(),
});
export type BlockSummary = z.infer<typeof blockSummary>;

/** Answer of `GET /api/v1/chain/blocks`: the highest first. */
export const blockList = z.object({
  data: z.array(blockSummary),
  /** What to ask for next; null at the beginning of the chain. */
  before: height.nullable(),
});
export type BlockList = z.infer<typeof blockList>;

/** Answer of `GET /api/v1/chain/blocks/{height|hash}`. */
export const chainBlock = blockSummary.extend({
  recordHashes: z.array(z.string()).readonly(),
  /** Canonical bytes of header and certificate, for those who check. */
  header: base64,
  certificate: base64.nullable(),
});
export type ChainBlock = z.infer<typeof chainBlock>;

/** An event of `GET /api/v1/chain/events`; its id is the height. */
export const blockEvent = blockSummary.extend({ recordHashes: z.array(z.string()).readonly() });
export type BlockEvent = z.infer<typeof blockEvent>;

/** Answer of `GET /api/v1/chain/records/{hash}`. */
export const chainRecord = z.object({
  hash: z.string(),
  /** `waiting` records may still be dropped. */
  status: z.enum(['final', 'waiting']),
  place: z.object({ height, blockHash: z.string(), index: z.int() }).nullable(),
  /** The record's fields, bytes in hexadecimal and large integers as text; null when its bytes were pruned. */
  fields: z.unknown(),
  /** Canonical bytes. */
  bytes: base64.nullable(),
});
export type ChainRecordAnswer = z.infer<typeof chainRecord>;

/** Answer of `GET /api/v1/chain/genesis`: where trust begins. */
export const chainGenesis = z.object({
  /** SHA-256 of the bytes. */
  networkId: z.string(),
  /** Canonical bytes. */
  bytes: base64,
});
export type ChainGenesisAnswer = z.infer<typeof chainGenesis>;

/** Answer of `GET /api/v1/chain/records`: those that an account signed, the latest first, or those of a block in its order. */
export const recordList = z.object({
  data: z.array(
    z.object({
      hash: z.string(),
      place: z.object({ height, blockHash: z.string(), index: z.int() }),
      /** Null, like the fields, when the record's bytes were pruned. */
      sizeBytes: z.int().nullable(),
      /** As those of a record; of one of more than 4 KiB the body is null, and all of it above 256 KiB. */
      fields: z.unknown(),
    }),
  ),
  /** What to ask for next; null at the end. */
  next: z.string().nullable(),
});
export type RecordList = z.infer<typeof recordList>;

/** Answer of `GET /api/v1/chain/state`: keys that begin so, by code unit. */
export const stateList = z.object({
  data: z.array(
    z.object({
      key: z.string(),
      /** Bytes in hexadecimal, large integers as text. */
      value: z.unknown(),
    }),
  ),
  /** There are more keys than were asked for. */
  hasMore: z.boolean(),
});
export type StateList = z.infer<typeof stateList>;

/** Answer of `GET /api/v1/chain/accounts/{address}`: all zeros for an address that no record named yet. */
export const chainAccount = z.object({
  address: z.string(),
  /** Base units, 10^-18 BLY. */
  balance: amount,
  /** Of the account's next record on the chain. */
  nonce: z.int(),
  /** To sign a new record with: behind those that wait. */
  nextNonce: z.int(),
});
export type ChainAccountAnswer = z.infer<typeof chainAccount>;

/** Answer of `GET /api/v1/chain/state/{key}`. */
export const chainState = z.object({
  key: z.string(),
  /** Null, like `bytes`, where the state has no such key. Bytes in hexadecimal, large integers as text. */
  value: z.unknown(),
  /** Canonical bytes. */
  bytes: base64.nullable(),
  /** With `?proof=1`: the way to the state root of a final block, and that block. */
  proof: z
    .object({
      siblings: z.array(z.string()).readonly(),
      other: z.object({ path: z.string(), valueHash: z.string() }).nullable(),
      block: z.object({ hash: z.string(), height, header: base64, certificate: base64.nullable() }),
    })
    .optional(),
});
export type ChainStateAnswer = z.infer<typeof chainState>;

/** Answer of `GET /api/v1/chain/epochs`: how a light client gets from the genesis to now. */
export const chainEpochs = z.object({
  /** Last blocks of epochs from `from` on, each with its certificate and the validators that follow; canonical bytes. */
  data: z.array(base64).readonly(),
  /** What to ask for next; null where the epoch has not ended. */
  next: z.int().nullable(),
});
export type ChainEpochsAnswer = z.infer<typeof chainEpochs>;

export const blockId = z.union([z.string().regex(/^\d{1,15}$/), digest], {
  error: 'Expected a height or 64 lower-case hexadecimal digits',
});
export const recordHash = digest;
export const accountAddress = digest;
/** `account/<address>`, `model/<name>`, … */
export const stateKey = z
  .string()
  .min(1)
  .max(API_LIMITS.stateKeyLength)
  .regex(/^[!-~]+$/, 'Expected printable ASCII without spaces');

const listLimit = (most: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, `Expected a number from 1 to ${most}`)
    .transform(Number)
    .pipe(z.int().min(1).max(most))
    .optional();

/** Query of `GET /api/v1/chain/blocks`. */
export const blocksQuery = z.object({
  /** Heights below this one; absent: from the head. */
  before: z
    .string()
    .regex(/^\d{1,15}$/, 'Expected a height')
    .transform(Number)
    .optional(),
  limit: listLimit(API_LIMITS.blocks),
});
/** Query of `GET /api/v1/chain/records`. */
export const recordsQuery = z
  .object({
    /** Records that this account signed. */
    author: digest.optional(),
    /** Records of the block of this height. */
    block: z
      .string()
      .regex(/^\d{1,15}$/, 'Expected a height')
      .transform(Number)
      .optional(),
    /** As the answer before said. */
    next: z
      .string()
      .regex(/^\d{1,15}(\.\d{1,5})?$/, 'Expected what the answer before said')
      .optional(),
    limit: listLimit(API_LIMITS.records),
  })
  .refine(({ author, block }) => (author === undefined) !== (block === undefined), {
    path: ['author'],
    error: 'Expected an author or a block, not both',
  });
/** Query of `GET /api/v1/chain/state`. */
export const statesQuery = z.object({
  prefix: z.string().regex(/^(account|model|node)\/[!-~]{0,256}$/, 'Expected account/…, model/… or node/…'),
  limit: listLimit(API_LIMITS.stateKeys),
});
/** Query of `GET /api/v1/chain/epochs`. */
export const epochsQuery = z.object({
  from: z
    .string()
    .regex(/^\d{1,12}$/, 'Expected the number of an epoch')
    .transform(Number)
    .default(0),
});
export const stateQuery = z.object({ proof: z.enum(['0', '1']).optional() });

/** Body of `POST /api/v1/chain/records`. */
export const recordSubmission = z.object({
  /** Canonical bytes of a signed record in standard base64. */
  record: z
    .string()
    .min(1)
    .max(API_LIMITS.recordLength)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'Expected standard base64'),
});
/** Its answer, with status 202: the record waits for a block, or is on the chain already. */
export const recordAccepted = z.object({ hash: z.string() });
export type RecordAccepted = z.infer<typeof recordAccepted>;
