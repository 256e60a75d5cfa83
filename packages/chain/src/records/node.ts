import { z } from 'zod';
import { nodeKey } from '../state/state-keys.ts';
import { FREE, recordType } from './record-type.ts';

const text = z.string().min(1).max(128);

/** What a node says of itself for as long as it does not say otherwise; presence, load and round trips are gossip. */
const claims = z.strictObject({
  /** For people. */
  name: text.optional(),
  /** 0 (no GPU) to 9. */
  tier: z.int().min(0).max(9),
  /** Arithmetic profile: rows computed under one are equal to the bit. */
  profile: text,
  /** Memory it offers for blocks. */
  memoryBytes: z.int().nonnegative(),
  /** Where it can be reached, multiaddrs. */
  addresses: z.array(z.string().min(1).max(256)).max(16),
});
export type NodeClaims = z.infer<typeof claims>;

/** Lane A: registers the author as a node, or replaces what it claimed. */
export const nodeRecord = recordType({
  lane: 'A',
  name: 'node',
  version: 1,
  body: z.strictObject({ claims }),
  ...FREE,
  check: () => null,
  apply(state, { author }, { claims }, { height }) {
    state.put(nodeKey(author), { claims, height });
  },
});
