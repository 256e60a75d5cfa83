import { AppError } from '@blyan/interface';
import { z } from 'zod';
import { P2pError, RemoteError } from './errors.ts';

const MAX_MESSAGE_CHARS = 1024;
const MAX_META_ENTRIES = 16;
const MAX_META_STRING_CHARS = 256;
const MAX_META_LIST = 64;

const metaString = z.string().max(MAX_META_STRING_CHARS);
const wireError = z.object({
  code: z.string().regex(/^ERR_[A-Z0-9_]{1,60}$/),
  message: z.string().max(MAX_MESSAGE_CHARS),
  meta: z
    .record(metaString, z.union([metaString, z.number(), z.boolean(), z.array(metaString).max(MAX_META_LIST)]))
    .optional(),
});

export type WireError = z.infer<typeof wireError>;

/**
 * What a failed request tells its caller: code, sentence and metadata of an error of ours, cut to their bounds; of any
 * other error nothing but that it happened, because its text may hold paths or prompts.
 */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof AppError) || !/^ERR_[A-Z0-9_]{1,60}$/.test(error.code)) {
    return { code: 'ERR_P2P_HANDLER', message: 'The peer could not answer this request.' };
  }
  const meta: NonNullable<WireError['meta']> = {};
  for (const [key, value] of Object.entries(error.meta).slice(0, MAX_META_ENTRIES)) {
    if (typeof value === 'string') meta[key] = value.slice(0, MAX_META_STRING_CHARS);
    else if (typeof value === 'number' || typeof value === 'boolean') meta[key] = value;
    else if (value !== undefined) {
      meta[key] = value.slice(0, MAX_META_LIST).map((entry) => entry.slice(0, MAX_META_STRING_CHARS));
    }
  }
  return { code: error.code, message: error.message.slice(0, MAX_MESSAGE_CHARS), meta };
}

/** The error a caller sees for an `error` frame; a malformed one is the peer's fault too. */
export function fromWireError(peerId: string, body: unknown): RemoteError | P2pError {
  const parsed = wireError.safeParse(body);
  if (!parsed.success) {
    return new P2pError('ERR_P2P_BAD_RESPONSE', 'The peer answered with an error that cannot be read.', {
      kind: 'peer',
      meta: { peerId },
    });
  }
  return new RemoteError(peerId, parsed.data.code, parsed.data.message, parsed.data.meta ?? {});
}
