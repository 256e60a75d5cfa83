import {
  type ConsensusMessage,
  type EpochRules,
  encodeConsensusMessage,
  type Judgement,
  SIMPLEX_RULES,
  type SimplexRules,
} from '@blyan/chain';
import { type BlockOutline, totalWeight, type Validator } from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import type { KeyValueStore, StoreWrite } from '@blyan/interface';
import type { MemoryStore } from '@blyan/store';
import type { SimNodeOptions, SimPeer } from './sim-node.ts';
import { SmallApplication, type SmallApplicationOptions } from './small-application.ts';

/** A bug put in on purpose, to see that the simulation notices. */
export interface Plant {
  readonly rules?: SimplexRules;
  /** For every honest node. */
  readonly node?: () => Partial<SimNodeOptions>;
  /** Another application for every honest node; the small one is what all have then. */
  readonly small?: (options: SmallApplicationOptions, store: MemoryStore) => SmallApplication;
}

const withRules = (change: Partial<SimplexRules>): Plant => ({ rules: { ...SIMPLEX_RULES, ...change } });

export const PLANTS: Readonly<Record<string, Plant>> = {
  /** The first vote of a certificate counts twice. */
  'vote-twice': withRules({
    weight(votes, set) {
      const first = votes[0];
      return SIMPLEX_RULES.weight(votes, set) + (first === undefined ? 0 : (set[first.validator] as Validator).weight);
    },
  }),
  /** A certificate of two thirds, where more than two thirds are needed. */
  'quorum-2f': withRules({ quorum: (set) => SIMPLEX_RULES.quorum(set) - 1 }),
  /** Validators are counted, whatever they weigh. */
  'stake-ignored': withRules({
    weight(votes, set) {
      const voters = new Set(votes.map(({ validator }) => validator)).size;
      return Math.floor((voters * totalWeight(set)) / set.length);
    },
  }),
  /** A view that this node gave up is finalised all the same when its block turns out notarised. */
  'finalise-after-dummy': withRules({ mayFinalise: (own) => own.finalise === undefined }),
  /** Who voted for a block never gives its view up. */
  'no-dummy-after-notarise': withRules({
    mayDummy: (own) => own.notarise === undefined && SIMPLEX_RULES.mayDummy(own),
  }),
  /** A block may stand on any notarised one, whatever became of the views between. */
  'parent-without-dummies': withRules({
    justify(state, parent, view) {
      for (let earlier = view - 1; earlier > state.base.view; earlier--) {
        if (state.views.get(earlier)?.certificates.notarise?.block === parent) return { parentView: earlier };
      }
      return parent === state.base.hash ? { parentView: state.base.view } : { missing: view - 1 };
    },
  }),
  /** A restart forgets what was voted for. */
  'votes-forgotten': { node: () => ({ tamper: forgetVotes }) },
  /** Votes leave before they are on disk. */
  'vote-before-sync': { node: () => ({ wrapStore: votesUnsynced }) },
  /** A block is voted for and not kept. */
  'block-not-kept': { small: (options, store) => new ForgetfulApplication(options, store) },
  /** What was said once is not said again, so that who missed it never hears it. */
  'never-resent': { node: () => ({ twist: onlyOnce() }) },
  /** Votes are counted with the set of the epoch before. */
  'stale-validators': { small: (options, store) => new StaleApplication(options, store) },
  /** Whatever state a proposer claims is believed. */
  'state-unchecked': { small: (options, store) => new TrustingApplication(options, store) },
};

const isVote = ({ key, value }: StoreWrite) => value !== null && key.startsWith('c/') && key.includes('/v/');

async function forgetVotes(store: MemoryStore): Promise<void> {
  const writes: StoreWrite[] = [];
  for await (const [key, value] of store.entries({ from: 'c/', to: 'c0' })) {
    if (isVote({ key, value })) writes.push({ key, value: null });
  }
  if (writes.length > 0) await store.write(writes, { sync: false });
}

function votesUnsynced(store: MemoryStore): KeyValueStore {
  return {
    get: (key) => store.get(key),
    entries: (range) => store.entries(range),
    write: (batch, { sync }) => store.write(batch, { sync: sync && !batch.some(isVote) }),
    snapshot: () => store.snapshot(),
    close: () => store.close(),
  };
}

function onlyOnce(): (to: SimPeer, message: ConsensusMessage) => readonly ConsensusMessage[] {
  const said = new Set<string>();
  return (to, message) => {
    if (message.type === 'status') return [];
    const text = `${to.place} ${toHex(encodeConsensusMessage(message))}`;
    if (said.has(text)) return [];
    said.add(text);
    return [message];
  };
}

class StaleApplication extends SmallApplication {
  readonly #options: SmallApplicationOptions;

  constructor(options: SmallApplicationOptions, store: MemoryStore) {
    super(options, store);
    this.#options = options;
  }

  override get rules(): EpochRules {
    const rules = super.rules;
    return { ...rules, validators: this.#options.validatorsOf(Math.max(0, rules.epoch - 1)) };
  }
}

class ForgetfulApplication extends SmallApplication {
  override bodyWrites(): StoreWrite[] {
    return [];
  }
}

class TrustingApplication extends SmallApplication {
  override judge(block: BlockOutline, nowMs: number): Judgement {
    const judgement = super.judge(block, nowMs);
    if (judgement.verdict !== 'invalid' || judgement.code !== 'ERR_SIM_HEADER') return judgement;
    this.accept(block);
    return { verdict: 'valid' };
  }
}
