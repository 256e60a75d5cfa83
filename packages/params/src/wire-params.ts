/** Major version per protocol; the id on the wire is `/blyan/<first 8 of the network id>/<name>/<major>`. */
export const PROTOCOL_MAJORS = Object.freeze({
  /** Signed node records: a gossip topic, and a pull at connect. */
  records: 1,
  /** Blocks by leaves with proofs. */
  blocks: 1,
  /** Stage steps, expert calls, delegated generations, cancel. */
  inference: 2,
  /** Votes, certificates and proposals between validators. */
  consensus: 1,
  /** Chain records, blocks and snapshots. */
  chain: 1,
} as const);
export type ProtocolName = keyof typeof PROTOCOL_MAJORS;

/** Domain of a plan's signature. */
export const PLAN_SIGNATURE_DOMAIN = 'blyan/plan/1';
/** Domain of a node record's signature. */
export const RECORD_SIGNATURE_DOMAIN = 'blyan/record/1';

/** Most bytes of one frame, its header included; senders cut their rows to fit. */
export const MAX_FRAME_BYTES = 16_777_216;
/** Most rows of hidden state in one step or expert call. */
export const MAX_STEP_ROWS = 512;
/** Most calls that may be open on one stream. */
export const MAX_OPEN_CALLS = 256;
