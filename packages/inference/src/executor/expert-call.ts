import { errorCode, type PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import type { FaultReason, Plan } from '@blyan/routing';
import { InferenceError } from '../errors.ts';
import { allFinite } from '../finite.ts';
import type { RemoteExpertCall } from '../layer-pass.ts';
import { decodeOutput, type ExpertGroup, encodeExperts } from '../wire.ts';
import { chooseHolder } from './choose-holder.ts';
import { EXPERTS_TIMEOUT_MS, HOLDER_RETURN_MS } from './deadlines.ts';
import { holderFault } from './holder-fault.ts';
import type { Holders, Loss } from './holders.ts';
import { packedRows } from './packed-rows.ts';
import type { ExpertTally } from './tally.ts';
import { unanswered } from './unanswered.ts';

/** A holder whose rows another one computed in its place. */
export interface HolderReplaced {
  readonly peerId: PeerId;
  readonly reason: FaultReason;
  /** Who computed them. */
  readonly by: PeerId;
  /** Rows of the call that the other one computed experts for. */
  readonly rows: number;
  /** From asking the lost holder to the answer of another one, milliseconds. */
  readonly gapMs: number;
}

/** What the caller of experts belongs to: a stage of a plan, and where its calls are counted. */
export interface ExpertCallContext {
  readonly plan: Plan;
  readonly hiddenSize: number;
  readonly tallies: readonly ExpertTally[];
  readonly signal: AbortSignal;
  /** May come after the answer, when it takes longer to learn why a holder was late. */
  readonly onReplaced?: (replaced: HolderReplaced) => void;
}

interface Attempt {
  readonly holder: PeerId;
  /** Groups of the call. */
  readonly indices: readonly number[];
  /** Rows, each counted once per expert. */
  readonly units: number;
  readonly bytes: number;
  readonly startedMs: number;
  readonly isWarm: boolean;
  readonly abort: AbortController;
  readonly loss: Loss;
  timer: NodeJS.Timeout | undefined;
  hedged: boolean;
}

/** What a holder may take to verify and load a block it was not asked for before. Milliseconds. */
const COLD_MS = 250;
const RECHECK_MS = 1_000;
/** A timer that fires so much too late was held up by this process: what has arrived meanwhile is read first. */
const OVERSLEPT_MS = 25;
const READ_MS = 5;
/** Neighbouring layers begin at different replicas. */
const LAYER_STRIDE = 7;

/**
 * One call of a layer's experts: every holder is asked at once; a late one is asked beside the next, and the first right
 * answer counts; a lost one is replaced by the next of the plan, then by whoever holds the expert now, then waited for.
 * No expert is ever left out.
 */
export class ExpertCall {
  readonly #self: PeerId;
  readonly #protocol: PeerProtocol;
  readonly #holders: Holders;
  readonly #context: ExpertCallContext;
  readonly #call: RemoteExpertCall;
  readonly #outputs: (Float32Array<ArrayBuffer> | undefined)[];
  /** By group: holders that failed, and whether they may be asked again later. */
  readonly #tried: Map<PeerId, boolean>[];
  /** By group: what others were, or are, to make good for. */
  readonly #losses: Loss[][];
  readonly #attempts = new Set<Attempt>();
  readonly #settled = Promise.withResolvers<Float32Array<ArrayBuffer>[]>();
  #left: number;
  #over = false;
  #giveUpAtMs: number | null = null;
  #cause: unknown;

  constructor(
    deps: { readonly self: PeerId; readonly protocol: PeerProtocol; readonly holders: Holders },
    context: ExpertCallContext,
    call: RemoteExpertCall,
  ) {
    this.#self = deps.self;
    this.#protocol = deps.protocol;
    this.#holders = deps.holders;
    this.#context = context;
    this.#call = call;
    this.#left = call.groups.length;
    this.#outputs = new Array(this.#left);
    this.#losses = Array.from({ length: this.#left }, () => []);
    this.#tried = Array.from({ length: this.#left }, () => new Map());
  }

  async run(): Promise<Float32Array<ArrayBuffer>[]> {
    const { signal } = this.#context;
    signal.throwIfAborted();
    const onAbort = () => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#assign([...this.#call.groups.keys()]);
      // Earned by what is asked for the first time only.
      this.#holders.budget.requested(this.#attempts.size);
      return await this.#settled.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Asks a holder for each of the groups; those without one wait for one. */
  #assign(indices: readonly number[]): void {
    const byHolder = new Map<PeerId, number[]>();
    const stranded: number[] = [];
    for (const index of indices) {
      const holder = this.#pick(index);
      if (holder === undefined) stranded.push(index);
      else byHolder.set(holder, [...(byHolder.get(holder) ?? []), index]);
    }
    for (const [holder, members] of byHolder) void this.#ask(holder, members);
    if (stranded.length > 0) void this.#awaitHolders(stranded);
  }

  /** The best holder of the group that is not being asked and has not failed. */
  #pick(index: number): PeerId | undefined {
    const { plan } = this.#context;
    const { layer } = this.#call;
    const { expert, rows } = this.#call.groups[index] as ExpertGroup;
    const isFree = (peerId: PeerId) => {
      if (peerId === this.#self || this.#tried[index]?.has(peerId)) return false;
      for (const attempt of this.#attempts) {
        if (attempt.holder === peerId && attempt.indices.includes(index)) return false;
      }
      return true;
    };
    const candidate = (peerId: PeerId) => this.#holders.candidate(peerId, rows.length);
    const key = layer * LAYER_STRIDE + expert;
    const planned = (plan.experts[layer]?.[expert] ?? []).filter(isFree).map(candidate);
    if (planned.some(({ reluctance }) => reluctance < 2)) return chooseHolder(planned, key);
    const others = this.#holders.port.holders(plan, layer, expert).filter(isFree).map(candidate);
    return chooseHolder([...planned, ...others], key);
  }

  async #ask(holder: PeerId, indices: readonly number[]): Promise<void> {
    const groups = indices.map((index) => this.#call.groups[index] as ExpertGroup);
    const { layer } = this.#call;
    const { modelRoot } = this.#context.plan;
    const startedMs = this.#holders.nowMs();
    const packed = packedRows(groups, this.#call.rows, this.#context.hiddenSize);
    const experts = groups.map(({ expert }) => expert);
    const attempt: Attempt = {
      ...{ holder, indices, startedMs, timer: undefined, hedged: false },
      units: groups.reduce((sum, { rows }) => sum + rows.length, 0),
      bytes: packed.rows.byteLength,
      isWarm: this.#holders.isWarm(holder, layer, experts),
      abort: new AbortController(),
      loss: { peerId: holder, sinceMs: startedMs, reason: null, tells: [] },
    };
    this.#attempts.add(attempt);
    this.#holders.health.began(holder);
    const deadlineMs = this.#holders.deadlineMs(holder, attempt.units);
    attempt.timer = setTimeout(() => this.#late(attempt, startedMs + deadlineMs), deadlineMs);
    try {
      const body = encodeExperts({ modelRoot, layer, ...packed });
      const options = { timeoutMs: EXPERTS_TIMEOUT_MS, signal: attempt.abort.signal };
      const answer = decodeOutput(await this.#protocol.callRaw(holder, 'experts', body, options));
      if (!this.#attempts.has(attempt)) return;
      this.#check(attempt, answer.rows, packed.rows);
      this.#end(attempt);
      const ms = this.#holders.nowMs() - startedMs;
      this.#holders.answered(holder, layer, experts, { units: attempt.units, ms });
      // Its own word for how long it computed, as far as it can be true.
      this.#take(attempt, answer.rows, Math.min(answer.ms, ms));
    } catch (error) {
      if (this.#attempts.has(attempt)) this.#failed(attempt, error);
      // Otherwise it was given up, which is what ended the call.
      else if (!attempt.abort.signal.aborted) this.#fail(error);
    }
  }

  /** @throws InferenceError ERR_INFERENCE_FRAME, ERR_INFERENCE_NOT_FINITE (from finite rows) */
  #check({ units, holder }: Attempt, output: Float32Array, input: Float32Array): void {
    const meta = { peerId: holder };
    if (output.length !== units * this.#context.hiddenSize) {
      const message = 'A peer answered an expert call with a wrong number of rows.';
      throw new InferenceError('ERR_INFERENCE_FRAME', message, { kind: 'peer', meta });
    }
    if (!allFinite(output) && allFinite(input)) {
      const message = 'A peer answered an expert call with values that are not numbers.';
      throw new InferenceError('ERR_INFERENCE_NOT_FINITE', message, { kind: 'peer', meta });
    }
  }

  #take({ holder, indices, loss }: Attempt, rows: Float32Array<ArrayBuffer>, ms: number): void {
    const { hiddenSize, tallies } = this.#context;
    const taken: number[] = [];
    let at = 0;
    for (const index of indices) {
      const length = (this.#call.groups[index] as ExpertGroup).rows.length * hiddenSize;
      if (this.#outputs[index] === undefined) {
        this.#outputs[index] = rows.slice(at, at + length);
        taken.push(index);
      }
      at += length;
    }
    if (taken.length > 0) {
      const experts = taken.map((index) => (this.#call.groups[index] as ExpertGroup).expert);
      for (const tally of tallies) tally.add(holder, this.#call.layer, experts, ms / tallies.length);
      this.#tellLosses(taken, loss);
    }
    this.#left -= taken.length;
    for (const attempt of [...this.#attempts]) {
      if (attempt.indices.every((index) => this.#outputs[index] !== undefined)) this.#giveUp(attempt);
    }
    if (this.#left > 0) return;
    this.#over = true;
    this.#settled.resolve(this.#outputs as Float32Array<ArrayBuffer>[]);
  }

  /** Says of each holder that lost some of these groups why, now or as soon as it is known. */
  #tellLosses(taken: readonly number[], own: Loss): void {
    const again = new Map<Loss, Set<number>>();
    for (const index of taken) {
      const { rows } = this.#call.groups[index] as ExpertGroup;
      for (const loss of this.#losses[index] ?? []) {
        if (loss !== own) again.set(loss, new Set([...(again.get(loss) ?? []), ...rows]));
      }
    }
    for (const [loss, { size: rows }] of again) {
      const { peerId, sinceMs } = loss;
      const gapMs = this.#holders.nowMs() - sinceMs;
      const tell = (reason: FaultReason) => this.#context.onReplaced?.({ peerId, reason, by: own.peerId, rows, gapMs });
      if (loss.reason !== null) tell(loss.reason);
      else {
        loss.tells.push(tell);
        const late = [...this.#attempts].find((attempt) => attempt.loss === loss);
        if (late) this.#holders.lost(peerId, late);
      }
    }
  }

  /** Not a failure yet: the holder may be loading a block. Whether it is alive is asked, and others are asked too. */
  #late(attempt: Attempt, dueMs: number): void {
    if (this.#holders.nowMs() > dueMs + OVERSLEPT_MS) {
      attempt.timer = setTimeout(() => this.#late(attempt, Number.POSITIVE_INFINITY), READ_MS);
      return;
    }
    this.#holders.suspect(attempt.loss);
    void this.#holders.alive(attempt.holder, attempt.bytes).then((alive) => {
      if (!alive) void this.#hedgeSomehow(attempt);
    });
    if (attempt.isWarm) this.#hedge(attempt);
    else attempt.timer = setTimeout(() => this.#hedge(attempt), COLD_MS);
  }

  /** Asks others for what a late holder was asked for, if there are others and the budget allows. */
  #hedge(attempt: Attempt): void {
    if (attempt.hedged || !this.#attempts.has(attempt)) return;
    const indices = attempt.indices.filter((index) => this.#isOpen(index) && this.#pick(index) !== undefined);
    if (indices.length === 0 || !this.#holders.budget.take()) return;
    attempt.hedged = true;
    for (const index of indices) this.#losses[index]?.push(attempt.loss);
    this.#assign(indices);
  }

  /** For a silent holder: as soon as there is another one, or budget. Its answer still counts when it comes. */
  async #hedgeSomehow(attempt: Attempt): Promise<void> {
    while (!attempt.hedged && this.#attempts.has(attempt)) {
      this.#hedge(attempt);
      if (attempt.hedged) return;
      await this.#holders.port.change(RECHECK_MS, attempt.abort.signal);
    }
  }

  #failed(attempt: Attempt, error: unknown): void {
    this.#end(attempt);
    const fault = holderFault(error);
    if (fault === null) {
      this.#fail(error);
      return;
    }
    const { holder, loss } = attempt;
    this.#cause = error;
    if (fault.reason !== null) {
      loss.reason = fault.reason;
      this.#holders.failed(holder, fault.reason, errorCode(error));
    }
    const open = attempt.indices.filter((index) => this.#outputs[index] === undefined);
    for (const index of open) {
      this.#tried[index]?.set(holder, fault.again);
      if (fault.reason !== null && !this.#losses[index]?.includes(loss)) this.#losses[index]?.push(loss);
    }
    this.#again(open.filter((index) => !this.#isAsked(index)));
  }

  /** Asks for the groups once more, when the retry budget allows. */
  #again(indices: readonly number[]): void {
    const open = indices.filter((index) => this.#isOpen(index));
    if (open.length === 0) return;
    const { budget } = this.#holders;
    if (budget.take()) this.#assign(open);
    else setTimeout(() => this.#again(open), budget.waitMs());
  }

  /** Nobody is left to ask: waits until somebody comes, or comes back. */
  async #awaitHolders(stranded: readonly number[]): Promise<void> {
    const { port, health } = this.#holders;
    const { layer, groups } = this.#call;
    this.#giveUpAtMs ??= this.#holders.nowMs() + HOLDER_RETURN_MS;
    for (let waiting = stranded.filter((index) => this.#isOpen(index)); waiting.length > 0; ) {
      const leftMs = this.#giveUpAtMs - this.#holders.nowMs();
      const lost = waiting.filter((index) => leftMs <= 0 || !this.#mayComeBack(index));
      if (lost.length > 0) {
        const experts = lost.map((index) => (groups[index] as ExpertGroup).expert);
        this.#fail(unanswered(layer, experts, this.#cause));
        return;
      }
      await port.change(Math.min(RECHECK_MS, leftMs), this.#context.signal);
      for (const index of waiting) {
        const tried = this.#tried[index];
        for (const [peerId, again] of tried ?? []) if (again && health.usable(peerId)) tried?.delete(peerId);
      }
      const ready = waiting.filter((index) => this.#pick(index) !== undefined);
      waiting = waiting.filter((index) => this.#isOpen(index) && !ready.includes(index));
      this.#again(ready);
    }
  }

  #mayComeBack(index: number): boolean {
    return [...(this.#tried[index]?.values() ?? [])].includes(true);
  }

  /** Neither answered nor given up. */
  #isOpen(index: number): boolean {
    return !this.#over && this.#outputs[index] === undefined;
  }

  #isAsked(index: number): boolean {
    return [...this.#attempts].some(({ indices }) => indices.includes(index));
  }

  #giveUp(attempt: Attempt): void {
    this.#end(attempt);
    attempt.abort.abort(new InferenceError('ERR_INFERENCE_CANCELLED', 'Another node has answered.'));
  }

  #end(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    clearTimeout(attempt.timer);
  }

  #fail(error: unknown): void {
    this.#over = true;
    for (const attempt of [...this.#attempts]) this.#giveUp(attempt);
    this.#settled.reject(error);
  }
}
