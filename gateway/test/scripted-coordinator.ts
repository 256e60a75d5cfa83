import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type {
  Coordinator,
  GenerateEvent,
  GenerateRequest,
  NetworkState,
  RouteEntry,
  ServedModel,
  TokenLogprob,
} from '@blyan/interface';
import { openTokenizer } from '@blyan/model';

const fixture = (file: string) =>
  readFileSync(new URL(`../../packages/testkit/fixtures/golden/mixtral/${file}`, import.meta.url), 'utf8');

export const MODEL_ROOT = 'a1'.repeat(32);
export const EOS = 1;
export const PEERS = ['12D3KooWCoordinator', '12D3KooWSecond'] as const;

/** The tokenizer of a golden checkpoint: four special tokens, then one token per byte, so text and tokens map one to one. */
const tokenizerJson = fixture('tokenizer.json');
const tokenizerConfigJson = fixture('tokenizer_config.json');
export const tokenizer = openTokenizer(tokenizerJson, tokenizerConfigJson);
export const tokensOf = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });

export const servedModel = (more: Partial<ServedModel> = {}): ServedModel => ({
  name: 'golden',
  root: MODEL_ROOT,
  contextLength: 128,
  vocabSize: 300,
  created: 1_780_000_000,
  tokenizerJson,
  tokenizerConfigJson,
  ...more,
});

export interface Script {
  /** Tokens of the greedy answer; the end of sequence comes after them. */
  readonly tokens?: readonly number[];
  /** Thrown before the first event. */
  readonly refuse?: Error;
  /** Thrown instead of the token of that index. */
  readonly failAt?: { readonly index: number; readonly error: Error };
  /** Waits for the abort (or for `release`) instead of giving the token of that index. */
  readonly holdAt?: number;
  /** A coordinator that throws on every abort, also on one that only says that the answer is complete. */
  readonly throwsWhenComplete?: boolean;
  /** Never looks at the signal while it holds. */
  readonly isDeaf?: boolean;
  /** Tokens of the prompt that it says were kept. */
  readonly cachedTokens?: number;
  /** Ends without `done`. */
  readonly breaksOff?: boolean;
}

const ROUTE: readonly RouteEntry[] = [
  { peerId: PEERS[0], role: 'stage', layers: '0-1', calls: 5, ms: 12.5 },
  { peerId: PEERS[1], role: 'experts', experts: ['0.1', '2.7'], calls: 9, ms: 3 },
];

/**
 * The coordinator port by script: greedy answers are the script's tokens, sampled ones are drawn from (seed, position),
 * so that a seed repeats itself. Everything it is asked and every abort it sees is kept.
 */
export class ScriptedCoordinator implements Coordinator {
  readonly requests: GenerateRequest[] = [];
  /** Resolves with the signal's reason when a generation sees its abort. */
  readonly aborted: Promise<unknown>;
  script: Script = {};
  served: ServedModel[] = [servedModel()];
  missing: string[] = [];
  given = 0;
  /** Generations that were begun and have not ended. */
  running = 0;
  readonly #reportAbort: (reason: unknown) => void;
  #release = new AbortController();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.aborted = promise;
    this.#reportAbort = resolve;
  }

  models(): readonly ServedModel[] {
    return this.served;
  }

  notReady(): string | null {
    return this.missing.length === 0 ? null : `Nobody hosts ${this.missing.join(', ')}.`;
  }

  /** Lets a held generation go on. */
  release(): void {
    this.#release.abort();
  }

  state(): NetworkState {
    return {
      networkId: 'b2'.repeat(32),
      peerId: PEERS[0],
      version: '0.1.0',
      models: this.served.map(({ name, root }) => ({
        name,
        root,
        covered: this.missing.length === 0,
        blocks: 40,
        missing: this.missing,
      })),
      nodes: PEERS.map((peerId, at) => ({
        peerId,
        publicKey: `${at}`.repeat(64),
        self: at === 0,
        reachable: true,
        version: '0.1.0',
        host: at === 0 ? 'trunk,embedding,head' : 'experts:*.0-7',
        tier: 0,
        profile: 'cpu-avx2',
        rttMs: at === 0 ? 0 : 1.5,
        addresses: [`/ip4/127.0.0.1/tcp/${4001 + at}`],
        hosted: {
          root: MODEL_ROOT,
          layers: at === 0 ? [0, 1, 2] : [],
          experts: at === 0 ? [] : ['0.1'],
          embedding: at === 0,
          head: at === 0,
          blocks: 20,
        },
        active: 0,
        queued: 0,
        freeKvBytes: 64 * 2 ** 20,
        gateway: at === 0,
        speed: { stepUs: 400, expertUs: 90, prefillRowUs: 150, bandwidthMBps: 900 },
        slowness: 1,
        expiresInMs: 20_000,
        faults:
          at === 0
            ? { points: 0, last: null, refused: false }
            : { points: 25, last: { code: 'ERR_INFERENCE_NOT_FINITE', atMs: 0 }, refused: false },
      })),
      outcasts: [
        { peerId: 'outcast', faults: { points: 130, last: { code: 'ERR_P2P_BUSY', atMs: 0 }, refused: true } },
      ],
    };
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    this.requests.push(request);
    this.running += 1;
    try {
      yield* this.#generate(request, signal);
    } finally {
      this.running -= 1;
    }
  }

  async *#generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    signal.addEventListener('abort', () => this.#reportAbort(signal.reason), { once: true });
    const { script } = this;
    if (script.refuse) throw script.refuse;
    const plan = request.plan === 'auto' ? 'pipeline' : request.plan;
    const cached = script.cachedTokens === undefined ? {} : { cachedTokens: script.cachedTokens };
    yield { type: 'plan', plan, profile: 'cpu-avx2', forecast: { msToFirstToken: 20, msPerToken: 4 }, ...cached };
    let finishReason: 'stop' | 'length' = 'length';
    for (let index = request.committedTokens?.length ?? 0; index < request.maxTokens; index++) {
      if (script.failAt?.index === index) throw script.failAt.error;
      if (script.holdAt === index) await this.#hold(script, signal);
      await nextTurn();
      if (signal.aborted) {
        if (script.throwsWhenComplete || signal.reason !== 'answer complete') throw signal.reason;
        break;
      }
      const tokenId = tokenAt(script.tokens ?? tokensOf('a large natural stream of water'), request, index);
      if (tokenId === EOS && !request.ignoreEos) {
        finishReason = 'stop';
        break;
      }
      this.given += 1;
      yield { type: 'token', index, tokenId, ...details(request, index, tokenId) };
    }
    if (script.breaksOff) return;
    yield {
      type: 'done',
      finishReason,
      route: ROUTE,
      measured: { msToFirstToken: 21.5, msPerToken: 4.25 },
      failovers: [],
      speculation: { drafted: 0, accepted: 0 },
    };
  }

  async #hold(script: Script, signal: AbortSignal): Promise<void> {
    const ends = script.isDeaf ? [this.#release.signal] : [this.#release.signal, signal];
    const any = AbortSignal.any(ends);
    if (!any.aborted) await once(any, 'abort');
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function tokenAt(greedy: readonly number[], request: GenerateRequest, index: number): number {
  if (request.sampling.temperature === 0) return greedy[index] ?? EOS;
  const position = request.promptTokens.length + index;
  const draw = createHash('sha256').update(`${request.sampling.seed}:${position}`).digest();
  return 4 + 0x61 + (draw.readUInt32LE() % 26);
}

export const logprobOf = (tokenId: number, rank: number): TokenLogprob => ({
  tokenId,
  logprob: rank === 2 ? Number.NEGATIVE_INFINITY : -0.5 * (rank + 1),
});

function details(request: GenerateRequest, index: number, tokenId: number) {
  const { topLogprobs: count, returnLogits } = request;
  const top = Array.from({ length: count ?? 0 }, (_, rank) => logprobOf(rank === 0 ? tokenId : 4 + 0x61 + rank, rank));
  const logits = returnLogits === 'sha256' ? createHash('sha256').update(`${index}`).digest('hex') : undefined;
  const row =
    returnLogits === 'f32' ? Buffer.from(new Float32Array(300).fill(index).buffer).toString('base64') : logits;
  return { ...(count === undefined ? {} : { logprob: logprobOf(tokenId, 0), topLogprobs: top }), logits: row };
}

/** A root that no model has. */
export const otherRoot = () => randomBytes(32).toString('hex');
