import type { Lane, RecordFields } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { z } from 'zod';
import type { StateView, WritableState } from '../state/state-draft.ts';
import type { Refusal } from './record-errors.ts';

/** What a record's effect may depend on besides the state: the same for everybody who executes the block. */
export interface BlockContext {
  readonly height: number;
  readonly timeMs: number;
  /** Hash of the block before. */
  readonly parent: Hash;
}

/**
 * What records of one lane, name and version mean. Everything here is a rule of consensus: the same answers on every machine, from
 * the arguments alone.
 */
export interface RecordType<Body = unknown> {
  readonly lane: Lane;
  readonly name: string;
  readonly version: number;
  /** Of a body that was decoded from canonical bytes. */
  readonly body: z.ZodType<Body>;
  /** Base units that the record moves from its author besides the fee. */
  spends(body: Body): bigint;
  /** The least fee in base units, by the parameters in the state. */
  leastFee(body: Body, state: StateView): bigint;
  /** Why the state does not take the record; null if it does. Nonce, fee, money and dependencies are not for the type to look at. */
  check(state: StateView, record: RecordFields, body: Body): Refusal | null;
  /** Makes the change of a record that passed, after nonce and fee were taken from the account of its author. */
  apply(state: WritableState, record: RecordFields, body: Body, context: BlockContext): void;
}

/** Pins the type of a body to its schema. */
export function recordType<Body>(type: RecordType<Body>): RecordType<Body> {
  return type;
}

/** Of types that move no money and need no fee. */
export const FREE = { spends: () => 0n, leastFee: () => 0n };
