import type { NetworkState } from '@blyan/interface';
import { z } from 'zod';

const faults = z.object({
  points: z.number(),
  last: z.object({ code: z.string(), atMs: z.number() }).nullable(),
  refused: z.boolean(),
});

const nodeState = z.object({
  peerId: z.string(),
  /** Ed25519, 64 lower-case hexadecimal digits: also the node's address on the chain. */
  publicKey: z.string(),
  self: z.boolean(),
  /** A connection to it is open, or it is the node that answers. */
  reachable: z.boolean(),
  version: z.string(),
  host: z.string(),
  tier: z.number(),
  profile: z.string(),
  rttMs: z.number().nullable(),
  addresses: z.array(z.string()).readonly(),
  hosted: z.object({
    /** The model that these are blocks of; null for none that is known. */
    root: z.string().nullable(),
    layers: z.array(z.number()).readonly(),
    experts: z.array(z.string()).readonly(),
    embedding: z.boolean(),
    head: z.boolean(),
    blocks: z.number(),
  }),
  active: z.number(),
  queued: z.number(),
  freeKvBytes: z.number(),
  /** It answers HTTP. */
  gateway: z.boolean(),
  /** As it measured itself, microseconds per row and layer; 0 where it has not. */
  speed: z.object({
    stepUs: z.number(),
    expertUs: z.number(),
    prefillRowUs: z.number(),
    bandwidthMBps: z.number(),
  }),
  /** So many times slower than it says, as the node that answers observed it. */
  slowness: z.number(),
  expiresInMs: z.number(),
  /** Whether the chain knows the node: plans take no other. Absent where no chain runs. */
  registered: z.boolean().optional(),
  faults,
});

/** Answer of `GET /api/v1/state`: what this node knows of the network, as `NetworkState` of `@blyan/interface`, and whether it is ready. */
export const networkState = z.object({
  networkId: z.string(),
  peerId: z.string(),
  version: z.string(),
  /** Null when ready, otherwise a sentence that says what is missing. */
  notReady: z.string().nullable(),
  models: z
    .array(
      z.object({
        name: z.string(),
        root: z.string(),
        /** Every block is on some node. */
        covered: z.boolean(),
        blocks: z.number(),
        missing: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  nodes: z.array(nodeState).readonly(),
  outcasts: z.array(z.object({ peerId: z.string(), faults })).readonly(),
});
export type StateAnswer = NetworkState & { readonly notReady: string | null };
