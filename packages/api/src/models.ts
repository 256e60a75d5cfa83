import { z } from 'zod';

export const modelObject = z.object({
  /** Name, or the root when another model of that name is listed before it. */
  id: z.string(),
  object: z.literal('model'),
  /** Seconds since the epoch: when this node learned of it. */
  created: z.int(),
  owned_by: z.string(),
  blyan: z.object({ root: z.string(), context_length: z.int(), vocab_size: z.int() }),
});
export type ModelObject = z.infer<typeof modelObject>;

/** Answer of `GET /v1/models`. */
export const modelList = z.object({ object: z.literal('list'), data: z.array(modelObject) });
export type ModelList = z.infer<typeof modelList>;
