import { API_LIMITS, type BlyanAnswer, blyanAnswer, finishReason } from '@blyan/api';
import { GRAMMAR_LIMITS } from '@blyan/grammar';
import { isRoot, type KeptAnswer, PLAN_TYPES, SPECULATION_CHOICES } from '@blyan/interface';
import { z } from 'zod';
import type { AnswerEnd, AnswerJob, Begun } from './answer.ts';
import { answerForm } from './answer-form.ts';

const MAX_TOKENS = 2 ** 20;
const u32 = z.int().min(0).max(0xffffffff);
const tokenList = z.custom<number[]>(
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_TOKENS &&
    value.every((id) => Number.isInteger(id) && id >= 0 && id <= 0xffffffff),
);

/** Whoever does not know of schemas and tools must not go on with an answer: it would become another one. */
const RECORD_VERSION = 2;

const record = z.object({
  v: z.literal(RECORD_VERSION),
  form: answerForm,
  stop: z.array(z.string().min(1).max(256)).max(4),
  returnTokenIds: z.boolean(),
  tools: z
    .object({
      names: z.array(z.string().max(64)).max(API_LIMITS.tools),
      isForced: z.boolean(),
      isParallel: z.boolean(),
    })
    .optional(),
  request: z.object({
    modelRoot: z.string().refine(isRoot),
    promptTokens: tokenList,
    maxTokens: z.int().min(1).max(MAX_TOKENS),
    sampling: z.object({
      temperature: z.number().min(0).max(100),
      topK: u32,
      topP: z.number().gt(0).max(1),
      seed: u32,
    }),
    ignoreEos: z.boolean(),
    jsonSchema: z.string().max(GRAMMAR_LIMITS.schemaChars).optional(),
    topLogprobs: z.int().min(0).max(20).optional(),
    returnLogits: z.enum(['sha256', 'f32']).optional(),
    plan: z.enum(['auto', ...PLAN_TYPES]),
    speculation: z.enum(SPECULATION_CHOICES).optional(),
  }),
});
/** What a gateway must know of an answer to go on with it. */
export type AnswerRecord = z.infer<typeof record>;

const endRecord = z.object({
  finishReason,
  stopString: z.string().max(256).nullable().default(null),
  completionTokens: z.int().min(0),
  blyan: blyanAnswer,
});

/** The description that the journal keeps. */
export function describeAnswer(
  form: AnswerRecord['form'],
  { request, stop, returnTokenIds, tools }: AnswerJob,
): string {
  return JSON.stringify({ v: RECORD_VERSION, form, stop, returnTokenIds, tools, request });
}

/** Null for what this version cannot read. */
export function readRecord(description: string): AnswerRecord | null {
  return record.safeParse(parsed(description)).data ?? null;
}

/**
 * What a resumed answer begins with, so that it is exactly as it was. A journal holds token ids alone: an answer whose
 * tokens are reported on is computed again from the first one. Without an end the last token is drawn again: it may be
 * the one that completed a stop string.
 */
export function begunOf(kept: KeptAnswer, { request }: AnswerRecord): Begun {
  if (request.returnLogits !== undefined || request.topLogprobs !== undefined) return { tokens: [], end: null };
  const tokens = kept.tokens.slice(0, request.maxTokens);
  const end = kept.end === null ? null : readEnd(kept.end);
  if (end?.completionTokens === tokens.length) return { tokens, end };
  return { tokens: tokens.slice(0, -1), end: null };
}

function readEnd(text: string): AnswerEnd | null {
  const end = endRecord.safeParse(parsed(text)).data;
  return end === undefined ? null : { ...end, blyan: end.blyan as BlyanAnswer };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
