import type { BlockOutline, QuorumCertificate, Validator } from '@blyan/chain-format';
import { errorCode, type Hash, type Logger, type StoreWrite, silentLogger } from '@blyan/interface';
import type { EpochRules, Judgement } from '../application/application.ts';
import { holdersOf } from '../consensus/block-work.ts';
import type { Send, SimplexEffects, SimplexEvent } from '../consensus/events.ts';
import { journalRange, restoreJournal } from '../consensus/journal.ts';
import type { ConsensusMessage, StatusMessage } from '../consensus/messages.ts';
import { statusOf } from '../consensus/resend.ts';
import { SIMPLEX_RULES } from '../consensus/rules.ts';
import { heldItems, type SimplexState, simplexState } from '../consensus/state.ts';
import { step } from '../consensus/step.ts';
import { BlockJobs } from './block-jobs.ts';
import { CatchUp, invalidFinal } from './catch-up.ts';
import { DurableOutbox } from './durable-outbox.ts';
import { EarlyMessages } from './early-messages.ts';
import type { PeerKey } from './ports.ts';
import type { ReplicaDeps, ReplicaEvents, ReplicaOptions, ReplicaService, ReplicaStatus } from './types.ts';

const DELTA_MS = 500;
const BLOCK_INTERVAL_MS = 100;
const MAX_TIMEOUT_MS = 60_000;
/** A node without a vote, whom validators tell nothing, asks one of them this often. */
const POLL_DELTAS = 20;
/** Peers of another epoch that are told where this node is are remembered, so that each is told once in a delta. */
const MAX_TOLD = 256;

/**
 * One node's part in consensus: it drives the machine of one epoch after the other with the application, the store, the
 * network and the clock, and follows chains that are longer. What it says depends only on what is on disk: votes leave when
 * they are synced, blocks are reported final when they are. When the store fails it halts, and says nothing more.
 */
export class Replica implements ReplicaService {
  readonly #options: Required<Pick<ReplicaOptions, 'deltaMs' | 'blockIntervalMs' | 'maxTimeoutMs'>> & ReplicaOptions;
  readonly #deps: ReplicaDeps;
  readonly #events: ReplicaEvents;
  readonly #logger: Logger;
  readonly #outbox: DurableOutbox;
  readonly #jobs: BlockJobs;
  readonly #catchUp: CatchUp;
  readonly #early = new EarlyMessages();
  readonly #queue: (() => void)[] = [];
  readonly #told = new Map<PeerKey, number>();
  /** Why blocks above the head were refused. */
  readonly #refusals = new Map<Hash, string>();
  #state: SimplexState;
  #keys: PeerKey[] = [];
  #cancelWake: () => void = () => undefined;
  #cancelPoll: () => void = () => undefined;
  #polls = 0;
  #working = false;
  #mode: 'new' | 'running' | 'halted' | 'stopped' = 'new';

  constructor(options: ReplicaOptions, deps: ReplicaDeps, events: ReplicaEvents) {
    this.#options = {
      ...options,
      deltaMs: options.deltaMs ?? DELTA_MS,
      blockIntervalMs: options.blockIntervalMs ?? BLOCK_INTERVAL_MS,
      maxTimeoutMs: options.maxTimeoutMs ?? MAX_TIMEOUT_MS,
    };
    this.#deps = deps;
    this.#events = events;
    this.#logger = deps.logger ?? silentLogger;
    const { application, source, clock, store, suite } = deps;
    const failed = (error: unknown) => this.#halt(error);
    this.#outbox = new DurableOutbox(store, failed);
    this.#jobs = new BlockJobs({
      application,
      source,
      clock,
      retryMs: this.#options.deltaMs,
      holders: (block) => this.#holders(block),
      isAwaited: (hash) => this.#state.blocks.get(hash)?.verdict === 'judging',
      judged: (block, judgement) => this.#judged(block, judgement),
      fetched: (block) => this.#handle({ type: 'block', block }),
      failed,
    });
    this.#catchUp = new CatchUp({
      network: options.network,
      application,
      source,
      clock,
      suite,
      logger: this.#logger,
      distrustMs: 4 * this.#options.deltaMs,
      validatorsOf: (rules) => rules.validators,
      committed: (head, certificate, writes) => this.#caughtUp(head, certificate, writes),
      misbehaviour: (peer, code) => events.misbehaviour(peer, code),
      failed,
    });
    this.#state = this.#epochState();
  }

  get status(): ReplicaStatus {
    const { config, view } = this.#state;
    return {
      epoch: config.epoch,
      view,
      height: this.#deps.application.head.header.height,
      validator: config.self,
      halted: this.#mode === 'halted',
      held: heldItems(this.#state) + this.#early.size,
    };
  }

  async start(): Promise<void> {
    if (this.#mode !== 'new') return;
    const { application, store, storedOutline } = this.#deps;
    const entries: [string, Uint8Array][] = [];
    for await (const entry of store.entries(journalRange(application.rules.epoch))) entries.push([...entry]);
    this.#state = this.#epochState();
    restoreJournal(this.#state, entries);
    this.#mode = 'running';
    for (const hash of votedBlocks(this.#state)) {
      const block = storedOutline(hash);
      if (block !== undefined) this.#handle({ type: 'block', block });
    }
    this.#handle({ type: 'pending', pending: application.pending });
    this.#handle({ type: 'started' });
    this.#poll();
  }

  async stop(): Promise<void> {
    if (this.#mode !== 'halted') this.#mode = 'stopped';
    this.#end();
    await this.#outbox.close();
  }

  receive(from: PeerKey, message: ConsensusMessage): void {
    this.#enqueue(() => this.#route(from, message));
  }

  poke(): void {
    this.#enqueue(() => this.#run({ type: 'pending', pending: this.#deps.application.pending }));
  }

  offerHeight(from: PeerKey, height: number): void {
    if (this.#mode === 'running') this.#catchUp.offer(from, height);
  }

  offerFinal(from: PeerKey, block: BlockOutline, certificate: QuorumCertificate): void {
    this.#enqueue(() => {
      const { head } = this.#deps.application;
      if (block.header.height <= head.header.height) return;
      try {
        if (this.#catchUp.take(block, certificate)) return;
      } catch (error) {
        if ((error as { kind?: string }).kind !== 'peer') throw error;
        this.#events.misbehaviour(from, errorCode(error));
        return;
      }
      this.#catchUp.offer(from, block.header.height);
    });
  }

  #epochState(): SimplexState {
    const { application, suite } = this.#deps;
    const { rules, head } = application;
    const { network, signer, deltaMs, blockIntervalMs, maxTimeoutMs } = this.#options;
    const index = rules.validators.findIndex(({ publicKey }) => publicKey === signer?.publicKey);
    this.#keys = rules.validators.map(({ publicKey }) => publicKey);
    return simplexState({
      network,
      epoch: rules.epoch,
      validators: rules.validators,
      self: index < 0 ? null : index,
      seed: rules.seed,
      head,
      lastHeight: rules.lastHeight,
      deltaMs,
      blockIntervalMs,
      maxTimeoutMs,
      sign: (message) => (signer as NonNullable<typeof signer>).sign(message),
      suite,
      rules: this.#deps.rules ?? SIMPLEX_RULES,
    });
  }

  #route(from: PeerKey, message: ConsensusMessage): void {
    const { epoch } = this.#state.config;
    const theirs = epochOf(message);
    const index = this.#keys.indexOf(from);
    if (message.type === 'status') this.#catchUp.offer(from, message.height);
    if (theirs === epoch) {
      if (index >= 0 && index !== this.#state.config.self) this.#run({ type: 'message', from: index, message }, from);
    } else if (theirs > epoch) {
      if (theirs === epoch + 1 && index >= 0) this.#early.add(from, message);
      // Whoever is in a later epoch has at least this one's last block.
      this.#catchUp.offer(from, this.#state.config.lastHeight);
    } else if (index >= 0) this.#tell(from);
  }

  /** Gossip of final blocks may be missed, and nothing may follow it. */
  #poll(): void {
    const { clock, application } = this.#deps;
    const key = this.#keys[this.#polls++ % this.#keys.length];
    if (this.#state.config.self === null && key !== undefined) {
      this.#catchUp.offer(key, application.head.header.height + 1);
    }
    const atMs = clock.monotonicMs() + POLL_DELTAS * this.#options.deltaMs;
    this.#cancelPoll = clock.wake(atMs, () => this.#poll());
  }

  /** Tells a validator of an earlier epoch how long the chain is. */
  #tell(peer: PeerKey): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < (this.#told.get(peer) ?? 0) || this.#state.config.self === null) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.set(peer, nowMs + this.#options.deltaMs);
    const message: StatusMessage = statusOf(this.#state);
    void this.#outbox.write([], false, () => this.#deps.network.send([peer], message));
  }

  #judged(block: BlockOutline, judgement: Judgement): void {
    if (judgement.verdict === 'invalid') {
      this.#refusals.set(block.hash, judgement.code);
      const proposer = this.#keys[block.header.proposer];
      if (proposer !== undefined) this.#events.misbehaviour(proposer, judgement.code);
      this.#logger.debug('block refused', { height: block.header.height, code: judgement.code });
    }
    this.#handle({ type: 'judged', hash: block.hash, valid: judgement.verdict === 'valid' });
  }

  #handle(event: SimplexEvent): void {
    this.#enqueue(() => this.#run(event));
  }

  /** One thing after the other, each to its end. */
  #enqueue(work: () => void, place: 'first' | 'last' = 'last'): void {
    if (this.#mode !== 'running') return;
    if (place === 'first') this.#queue.unshift(work);
    else this.#queue.push(work);
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (this.#mode !== 'running') break;
        next();
      }
    } catch (error) {
      this.#halt(error);
    } finally {
      this.#working = false;
    }
  }

  #run(event: SimplexEvent, from?: PeerKey): void {
    const effects = step(this.#state, event, this.#deps.clock.monotonicMs());
    if (effects.fault !== null && from !== undefined) this.#events.misbehaviour(from, effects.fault);
    if (effects.fatal !== null) {
      const block = this.#state.blocks.get(effects.fatal)?.block as BlockOutline;
      throw invalidFinal(block, this.#refusals.get(effects.fatal) ?? 'ERR_UNKNOWN');
    }
    this.#persist(effects);
    if (effects.commit !== null) this.#headMoved();
    for (const block of effects.judge) this.#jobs.judge(block);
    for (const { hash, from: voters } of effects.fetch) this.#jobs.fetch(hash, this.#keysOf(voters));
    if (effects.build !== null) this.#build(effects.build);
    this.#cancelWake();
    const { wakeAtMs } = effects;
    if (wakeAtMs !== null && !this.#state.done) {
      this.#cancelWake = this.#deps.clock.wake(wakeAtMs, () => this.#handle({ type: 'tick' }));
    }
  }

  /** Everything of a step goes to the store as one batch, and to the network afterwards. */
  #persist({ writes, bodies, commit, sync, sends, evidence }: SimplexEffects): void {
    const { application } = this.#deps;
    const batch = [...bodies.flatMap((hash) => application.bodyWrites(hash)), ...writes];
    if (commit !== null) batch.push(...application.commit(commit.hash, commit.certificate));
    if (batch.length === 0 && sends.length === 0) return;
    const { head } = application;
    const keys = this.#keys;
    void this.#outbox.write(batch, sync, () => {
      for (const send of sends) this.#send(send, keys);
      for (const found of evidence) this.#events.evidence(found, keys[found.first.validator] as PeerKey);
      if (commit !== null) this.#events.final(head, commit.certificate);
    });
  }

  #send({ to, message }: Send, keys: readonly PeerKey[]): void {
    const own = this.#options.signer?.publicKey;
    const peers = to === 'all' ? keys.filter((key) => key !== own) : [keys[to] as PeerKey];
    if (peers.length > 0) this.#deps.network.send(peers, message);
  }

  #build({ parent, view }: { parent: string; view: number }): void {
    const { application, clock } = this.#deps;
    const proposer = this.#state.config.self as number;
    const block = application.build({ parent, view, proposer, nowMs: clock.nowMs() });
    this.#handle({ type: 'built', view, block });
  }

  #caughtUp(head: BlockOutline, certificate: QuorumCertificate, writes: readonly StoreWrite[]): Promise<void> {
    const written = this.#outbox.write(writes, true, () => this.#events.final(head, certificate));
    const { epoch } = this.#state.config;
    // Before anything that waits: the machine must not act on a head that the application has left.
    this.#enqueue(() => {
      if (this.#state.config.epoch === epoch) this.#run({ type: 'advanced', head, certificate });
      this.#headMoved();
    }, 'first');
    return written;
  }

  /** What waits may have become less, and an epoch may have ended. */
  #headMoved(): void {
    const { application } = this.#deps;
    this.#jobs.sweep();
    for (const hash of this.#refusals.keys()) if (!this.#state.blocks.has(hash)) this.#refusals.delete(hash);
    if (application.rules.epoch !== this.#state.config.epoch) this.#enterEpoch(application.rules);
    else this.#handle({ type: 'pending', pending: application.pending });
  }

  #enterEpoch(rules: EpochRules): void {
    this.#cancelWake();
    this.#state = this.#epochState();
    this.#logger.debug('epoch begins', { epoch: rules.epoch, validators: rules.validators.length });
    this.#handle({ type: 'pending', pending: this.#deps.application.pending });
    this.#handle({ type: 'started' });
    for (const [from, message] of this.#early.drain()) this.receive(from, message);
  }

  #holders(block: BlockOutline): PeerKey[] {
    return this.#keysOf(holdersOf(this.#state, block));
  }

  #keysOf(validators: readonly number[]): PeerKey[] {
    const { config } = this.#state;
    return validators
      .filter((index) => index !== config.self)
      .map((index) => (config.validators[index] as Validator).publicKey);
  }

  #halt(error: unknown): void {
    if (this.#mode === 'halted' || this.#mode === 'stopped') return;
    this.#mode = 'halted';
    this.#end();
    void this.#outbox.close();
    this.#events.halted(error instanceof Error ? error : new TypeError('not an error', { cause: error }));
  }

  #end(): void {
    this.#queue.length = 0;
    this.#cancelWake();
    this.#cancelPoll();
    this.#jobs.stop();
    this.#catchUp.stop();
  }
}

function epochOf(message: ConsensusMessage): number {
  switch (message.type) {
    case 'status':
      return message.epoch;
    case 'certificate':
      return message.certificate.epoch;
    default:
      return message.vote.epoch;
  }
}

/** Blocks that the journal names. */
function votedBlocks({ views }: SimplexState): Set<string> {
  const hashes = new Set<string>();
  for (const { votes, certificates } of views.values()) {
    for (const { block } of votes.notarise.values()) if (block !== null) hashes.add(block);
    for (const certificate of Object.values(certificates)) if (certificate?.block) hashes.add(certificate.block);
  }
  return hashes;
}
