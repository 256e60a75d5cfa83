import {
  type BlockOutline,
  type CryptoSuite,
  type QuorumCertificate,
  totalWeight,
  type ValidatorSet,
  VOTE_KINDS,
  type Vote,
  type VoteKind,
} from '@blyan/chain-format';
import { fromHex } from '@blyan/crypto/noble';
import type { Hash, NetworkId } from '@blyan/interface';
import { leaderOf } from './leader.ts';
import type { ProposalMessage } from './messages.ts';
import type { OwnVotes, SimplexRules } from './rules.ts';

/** What one epoch's consensus is told once. */
export interface SimplexConfig {
  readonly network: NetworkId;
  readonly epoch: number;
  readonly validators: ValidatorSet;
  /** Index of this node in the set; null for one that only follows. */
  readonly self: number | null;
  /** Of the draw of leaders. */
  readonly seed: Hash;
  /** The newest final block: the one the epoch starts from, or one of the epoch. */
  readonly head: BlockOutline;
  /** Height of the epoch's last block. */
  readonly lastHeight: number;
  /** Milliseconds a message between good nodes takes at most, as is hoped. */
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
  readonly maxTimeoutMs: number;
  /** Of the bare message, with the key of `self`. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly suite: CryptoSuite;
  readonly rules: SimplexRules;
}

/** One view, from the first thing heard of it until a later one is final. */
export interface ViewState {
  /** The first of each validator and kind. */
  readonly votes: Readonly<Record<VoteKind, Map<number, Vote>>>;
  readonly certificates: Record<VoteKind, QuorumCertificate | null>;
  /** The first that its leader signed. */
  proposal: ProposalMessage | null;
}

export interface BlockEntry {
  readonly block: BlockOutline;
  verdict: 'unknown' | 'judging' | 'valid' | 'invalid';
  /** Whether its body is on disk. */
  stored: boolean;
  readonly seenAtMs: number;
}

/** The newest final block, and the view it became final in: 0 at the start of an epoch. */
export interface Base {
  readonly hash: Hash;
  readonly height: number;
  readonly view: number;
}

/** All that one epoch's consensus knows. Only `step` changes it. */
export interface SimplexState {
  readonly config: SimplexConfig;
  readonly publicKeys: readonly Uint8Array[];
  readonly quorum: number;
  /** Validators that vote together with so much weight have an honest one among them. */
  readonly honestWeight: number;
  /** How many validators of equal weight may fail. */
  readonly faults: number;
  view: number;
  base: Base;
  /** When the block that is the base came, if it was seen before it was final. */
  baseSeenAtMs: number;
  /** Of the base, if it became final while this state lived. */
  final: QuorumCertificate | null;
  /** Views above the base. */
  readonly views: Map<number, ViewState>;
  /** Blocks above the base. */
  readonly blocks: Map<Hash, BlockEntry>;
  readonly leaders: Map<number, number>;
  /** Validators of whom evidence was found in this epoch. */
  readonly exposed: Set<number>;
  pending: boolean;
  started: boolean;
  /** The epoch's last block is final. */
  done: boolean;
  /** Views in a row that ended without a block. */
  dummyRun: number;
  enteredAtMs: number;
  /** When the view is given up; null while nothing is to be agreed on. */
  deadlineMs: number | null;
  /** When what this node said last is said again, and how often it was. */
  resendAtMs: number;
  resends: number;
  /** The view for which a block is being built. */
  building: number | null;
  /** From when on a block without records may be proposed in this view. */
  emptyAtMs: number;
  /** What waits made no record of a block: not before this time is it tried again. */
  emptyHeldUntilMs: number;
  /** Per wanted block, when to ask for it again. */
  readonly asked: Map<Hash, number>;
  /** When certificates that a proposal needs may be asked for again. */
  askAgainAtMs: number;
  /** Per validator, when its next status is answered. */
  readonly answerAtMs: Map<number, number>;
}

/** The state in which an epoch begins, or goes on after a restart. */
export function simplexState(config: SimplexConfig): SimplexState {
  const { validators, head, rules, epoch } = config;
  const total = totalWeight(validators);
  const quorum = rules.quorum(validators);
  // The block an epoch starts from is of the epoch before, or the genesis block, whose view is 0.
  const view = head.header.epoch === epoch ? head.header.view : 0;
  return {
    config,
    publicKeys: validators.map(({ publicKey }) => fromHex(publicKey, 32)),
    quorum,
    honestWeight: total - quorum + 1,
    faults: Math.floor((validators.length - 1) / 3),
    view: view + 1,
    base: { hash: head.hash, height: head.header.height, view },
    baseSeenAtMs: Number.NEGATIVE_INFINITY,
    final: null,
    views: new Map(),
    blocks: new Map(),
    leaders: new Map(),
    exposed: new Set(),
    pending: false,
    started: false,
    done: false,
    dummyRun: 0,
    enteredAtMs: 0,
    deadlineMs: null,
    resendAtMs: 0,
    resends: 0,
    building: null,
    emptyAtMs: 0,
    emptyHeldUntilMs: 0,
    asked: new Map(),
    askAgainAtMs: 0,
    answerAtMs: new Map(),
  };
}

export function viewOf(state: SimplexState, view: number): ViewState {
  let found = state.views.get(view);
  if (found === undefined) {
    found = {
      votes: { notarise: new Map(), dummy: new Map(), finalise: new Map() },
      certificates: { notarise: null, dummy: null, finalise: null },
      proposal: null,
    };
    state.views.set(view, found);
  }
  return found;
}

export function ownVotes(state: SimplexState, view: number): OwnVotes {
  const votes = state.views.get(view)?.votes;
  const { self } = state.config;
  if (votes === undefined || self === null) return { notarise: undefined, dummy: undefined, finalise: undefined };
  return { notarise: votes.notarise.get(self), dummy: votes.dummy.get(self), finalise: votes.finalise.get(self) };
}

export function leader(state: SimplexState, view: number): number {
  let index = state.leaders.get(view);
  if (index === undefined) {
    const { validators, seed, epoch, suite } = state.config;
    index = leaderOf(validators, seed, epoch, view, suite);
    state.leaders.set(view, index);
  }
  return index;
}

/** Whether a block can be built upon: it is the base or was judged valid. */
export function isValid(state: SimplexState, hash: Hash): boolean {
  return hash === state.base.hash || state.blocks.get(hash)?.verdict === 'valid';
}

/** Forgets what lies at or below the base. */
export function forgetBelowBase(state: SimplexState): void {
  for (const view of state.views.keys()) if (view <= state.base.view) state.views.delete(view);
  for (const view of state.leaders.keys()) if (view <= state.base.view) state.leaders.delete(view);
  for (const [hash, { block }] of state.blocks) if (block.header.view <= state.base.view) state.blocks.delete(hash);
  for (const hash of state.asked.keys())
    if (state.blocks.has(hash) || hash === state.base.hash) state.asked.delete(hash);
}

/** Votes, certificates and blocks in memory. */
export function heldItems(state: SimplexState): number {
  let held = state.blocks.size + state.views.size + state.asked.size;
  for (const { votes, certificates } of state.views.values())
    for (const kind of VOTE_KINDS) held += votes[kind].size + (certificates[kind] === null ? 0 : 1);
  return held;
}
