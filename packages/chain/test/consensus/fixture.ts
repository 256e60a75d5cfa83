import {
  assembleCertificate,
  type BlockHeader,
  type BlockOutline,
  ballotMessage,
  headerHash,
  type QuorumCertificate,
  recordsRoot,
  type ValidatorSet,
  type Vote,
  type VoteKind,
  ZERO_HASH,
} from '@blyan/chain-format';
import { nodeSuite, publicKeyOf, signEd25519, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { leaderOf } from '../../src/consensus/leader.ts';
import type { ConsensusMessage } from '../../src/consensus/messages.ts';
import {
  SIMPLEX_RULES,
  type SimplexConfig,
  type SimplexEffects,
  type SimplexEvent,
  type SimplexState,
  simplexState,
  step,
} from '../../src/index.ts';

export const NETWORK = 'ab'.repeat(32);
export const DELTA_MS = 100;
export const RECORD = 'cd'.repeat(32);
const SEED = 'ef'.repeat(32);

const seedOf = (name: string) => nodeSuite.sha256(new TextEncoder().encode(name));
const keys = Array.from({ length: 7 }, (_, i) => ({ seed: seedOf(`validator ${i}`) }))
  .map(({ seed }) => ({ seed, publicKey: toHex(publicKeyOf(seed)) }))
  .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));

/** Signs as one of the seven keys that sets are made of. */
export const signerOf = (validator: number) => (message: Uint8Array) =>
  signEd25519(message, (keys[validator] as (typeof keys)[number]).seed);

export const setOf = (...weights: number[]): ValidatorSet =>
  weights.map((weight, i) => ({ publicKey: (keys[i] as (typeof keys)[number]).publicKey, weight }));

export const FOUR = setOf(1, 1, 1, 1);

export const leaderIn = (view: number, set = FOUR) => leaderOf(set, SEED, 0, view, nodeSuite);

export function vote(kind: VoteKind, view: number, block: Hash | null, validator: number, epoch = 0): Vote {
  const ballot = { kind, epoch, view, block };
  return { ...ballot, validator, signature: signerOf(validator)(ballotMessage(NETWORK, ballot)) };
}

export function certificate(
  kind: VoteKind,
  view: number,
  block: Hash | null,
  signers: readonly number[] = [0, 1, 2],
): QuorumCertificate {
  const votes = signers.map((validator) => vote(kind, view, block, validator));
  return assembleCertificate({ kind, epoch: 0, view, block }, votes);
}

/** A block of one record; nothing here looks into it. */
export function outline(part: Partial<BlockHeader>, recordHashes: readonly Hash[] = [RECORD]): BlockOutline {
  const header: BlockHeader = {
    ...{ network: NETWORK, epoch: 0, height: 1, view: 1, parent: ZERO_HASH, timeMs: 1, proposer: 0 },
    ...{ recordCount: recordHashes.length, recordsRoot: recordsRoot(recordHashes, nodeSuite), stateRoot: ZERO_HASH },
    ...{ validatorsHash: ZERO_HASH, nextValidatorsHash: ZERO_HASH },
    ...part,
  };
  return { hash: headerHash(header, nodeSuite), header, recordHashes };
}

export const GENESIS: BlockOutline = outline({ height: 0, view: 0, timeMs: 0 }, []);

/** The block of a view by the view's leader. */
export function blockOf(view: number, parent: BlockOutline = GENESIS, part: Partial<BlockHeader> = {}): BlockOutline {
  return outline({
    ...{ height: parent.header.height + 1, view, parent: parent.hash, timeMs: parent.header.timeMs + 1 },
    ...{ proposer: leaderIn(view), ...part },
  });
}

/** What the leader of a view sends for a block. */
export function proposal(block: BlockOutline, view = block.header.view): ConsensusMessage {
  return { type: 'proposal', block, vote: vote('notarise', view, block.hash, leaderIn(view)) };
}

/** One machine that is told what happens, and remembers what it would have on disk. */
export class Machine {
  readonly journal = new Map<string, Uint8Array>();
  readonly state: SimplexState;
  readonly config: SimplexConfig;
  nowMs = 0;

  constructor(part: Partial<SimplexConfig> = {}) {
    const self = part.self === undefined ? 0 : part.self;
    this.config = {
      ...{ network: NETWORK, epoch: 0, validators: FOUR, self, seed: SEED, head: GENESIS, lastHeight: 9 },
      ...{ deltaMs: DELTA_MS, blockIntervalMs: 0, maxTimeoutMs: 8 * DELTA_MS, suite: nodeSuite, rules: SIMPLEX_RULES },
      ...{ sign: signerOf(self ?? 0), ...part },
    };
    this.state = simplexState(this.config);
  }

  /** A machine that runs, with something to do unless told otherwise. */
  static started(part: Partial<SimplexConfig> = {}, pending = true): Machine {
    const machine = new Machine(part);
    machine.on({ type: 'pending', pending });
    machine.on({ type: 'started' });
    return machine;
  }

  on(event: SimplexEvent): SimplexEffects {
    const effects = step(this.state, event, this.nowMs);
    for (const { key, value } of effects.writes) {
      if (value === null) this.journal.delete(key);
      else this.journal.set(key, value);
    }
    return effects;
  }

  hear(from: number, message: ConsensusMessage): SimplexEffects {
    return this.on({ type: 'message', from, message });
  }

  /** Hears a vote from who cast it. */
  hearVote(found: Vote): SimplexEffects {
    return this.hear(found.validator, { type: 'vote', vote: found });
  }

  hearCertificate(found: QuorumCertificate, from = 1): SimplexEffects {
    return this.hear(from, { type: 'certificate', certificate: found });
  }

  /** Lets time pass. */
  after(delayMs: number): SimplexEffects {
    this.nowMs += delayMs;
    return this.on({ type: 'tick' });
  }

  /** Hears a proposal and finds its block valid. */
  accept(block: BlockOutline, view = block.header.view): SimplexEffects {
    this.hear(leaderIn(view), proposal(block, view));
    return this.on({ type: 'judged', hash: block.hash, valid: true });
  }
}

/** Votes among what would leave, those inside proposals too, as `kind view`. */
export function votesIn({ sends }: SimplexEffects): string[] {
  return sends.flatMap(({ message }) =>
    message.type === 'vote' || message.type === 'proposal' ? [`${message.vote.kind} ${message.vote.view}`] : [],
  );
}

/** A validator that leads none of the views. */
export function follower(...views: number[]): number {
  const leaders = views.map((view) => leaderIn(view));
  return [0, 1, 2, 3].find((validator) => !leaders.includes(validator)) as number;
}

/** Others than one, as many as with it are a quorum of four. */
export const others = (self: number, count = 3): number[] => [0, 1, 2, 3].filter((i) => i !== self).slice(0, count);
