import { GRAMMAR_LIMITS } from '@blyan/grammar';
import { FAULT_REASONS, PLAN_TYPES, SPECULATION_CHOICES } from '@blyan/interface';
import { MAX_LAYERS, MAX_SEQUENCE_TOKENS, MAX_STEP_ROWS } from '@blyan/params';
import { z } from 'zod';

const peerId = z.string().min(1).max(128);
const requestId = z.string().regex(/^[0-9a-f]{32}$/);
const count = z.number().int().min(0).max(0xffffffff);
const ms = z.number().min(0);
const bytes = z.instanceof(Uint8Array);
/** One per page of 32 positions. */
const pageKeyList = z.array(z.string().regex(/^[0-9a-f]{32}$/)).max(MAX_SEQUENCE_TOKENS / 32);

const layer = z
  .number()
  .int()
  .min(0)
  .max(MAX_LAYERS - 1);
const position = z.number().int().min(0).max(MAX_SEQUENCE_TOKENS);

export const openSchema = z.object({
  requestId,
  layer,
  epoch: count,
  capacity: z.number().int().min(1).max(MAX_SEQUENCE_TOKENS),
  /** Rows at this position and behind it are void. */
  valid: position,
  plan: bytes,
  signature: bytes,
  /** Of the prompt's full KV pages that may be adopted. */
  keys: pageKeyList,
});

/** Where a stage stands: rows it has taken, which it need not be given again; and the sequences of its node. */
export const openedSchema = z.object({ position, active: count });
export type Opened = z.infer<typeof openedSchema>;

export const closeSchema = z.object({ requestId, layer, keys: pageKeyList });

export const replaySchema = z.object({ requestId, layer, epoch: count, from: position, wantedFrom: position });
/** False: rows are missing in the log, the stage must compute them again. */
export const replayedSchema = z.object({ complete: z.boolean() });

export const statusSchema = z.object({ requestId, layer });
/** Rows taken, rows computed, and the sequences of its node. */
export const stageStatusSchema = z.object({ received: position, computed: position, active: count });
export type StageStatus = z.infer<typeof stageStatusSchema>;

const routeEntry = z.object({
  peerId,
  role: z.enum(['stage', 'experts', 'delegate']),
  layers: z.string().max(32).optional(),
  experts: z.array(z.string().max(16)).max(65_536).optional(),
  calls: z.number().min(0),
  ms,
});

/** What a stage did for one answer: itself first, then the nodes whose experts it called. */
export const usageSchema = z.object({
  /** Nodes that were replaced as holders of experts. */
  replaced: z
    .array(
      z.object({ peerId, reason: z.enum(FAULT_REASONS), gapMs: ms, position, rowsRecomputed: z.record(peerId, count) }),
    )
    .max(64),
  route: z.array(routeEntry).max(4096),
  /** [layer of the stage * experts + expert] rows that chose the expert. */
  expertRows: z.array(count).max(1 << 22),
});
export type StageUsage = z.infer<typeof usageSchema>;

export const failSchema = z.object({
  requestId,
  layer,
  /** Of the stage when it failed. */
  epoch: count,
  /** The neighbour in the plan whose fault it is; the stage itself when left out. */
  blame: peerId.optional(),
  reason: z.enum(['gone', 'garbage', 'error']),
  kind: z.enum(['caller', 'peer', 'internal']),
  code: z.string().max(64),
  message: z.string().max(2048),
});

const sampling = z.object({
  temperature: z.number().min(0).max(100),
  topK: count,
  topP: z.number().gt(0).max(1),
  seed: count,
});

export const sampleSpecSchema = z.object({
  params: sampling,
  topLogprobs: z.number().int().min(0).max(20).optional(),
  logits: z.enum(['sha256', 'f32']).optional(),
});

const logprob = z.object({ tokenId: count, logprob: z.number() });

export const sampledSchema = z.object({
  tokenId: count,
  logprob: logprob.optional(),
  topLogprobs: z.array(logprob).max(20).optional(),
  logits: z.string().max(4_194_304).optional(),
});

export const sampledRowsSchema = z.array(sampledSchema).min(1).max(MAX_STEP_ROWS);

export const sampleSchema = z.object({
  modelRoot: z.string(),
  hidden: bytes,
  position: count,
  spec: sampleSpecSchema,
  /** Of each row the tokens that may be drawn, as bits; null: all. */
  masks: z.array(bytes.nullable()).max(MAX_STEP_ROWS).optional(),
});

export const embedSchema = z.object({ modelRoot: z.string(), tokens: z.array(count).min(1).max(MAX_STEP_ROWS) });

export const generateSchema = z.object({
  plan: bytes,
  signature: bytes,
  request: z.object({
    requestId,
    modelRoot: z.string(),
    promptTokens: z.array(count).min(1).max(MAX_SEQUENCE_TOKENS),
    maxTokens: z.number().int().min(1).max(MAX_SEQUENCE_TOKENS),
    committedTokens: z.array(count).max(MAX_SEQUENCE_TOKENS).optional(),
    sampling,
    ignoreEos: z.boolean(),
    jsonSchema: z.string().max(GRAMMAR_LIMITS.schemaChars).optional(),
    topLogprobs: z.number().int().min(0).max(20).optional(),
    returnLogits: z.enum(['sha256', 'f32']).optional(),
    plan: z.enum(['auto', ...PLAN_TYPES]),
    speculation: z.enum(SPECULATION_CHOICES).optional(),
  }),
});

const failover = z.object({
  peerId,
  atToken: count,
  gapMs: ms,
  reason: z.enum(FAULT_REASONS),
  rowsRecomputed: z.record(peerId, count),
});

export const generatedSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened') }),
  z.object({ type: z.literal('token'), token: sampledSchema }),
  z.object({
    type: z.literal('end'),
    finishReason: z.enum(['stop', 'length']),
    route: usageSchema.shape.route,
    failovers: z.array(failover).max(64),
    speculation: z.object({ drafted: count, accepted: count }),
  }),
]);
export type Generated = z.infer<typeof generatedSchema>;
