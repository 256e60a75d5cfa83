import type { PeerId, Root } from './ids.ts';

export const PLAN_TYPES = ['local', 'pipeline', 'dynamic', 'static_delegate'] as const;
export type PlanType = (typeof PLAN_TYPES)[number];
export type PlanChoice = 'auto' | PlanType;

/** Whether tokens are drafted ahead and verified together; the tokens of the answer are the same either way. */
export const SPECULATION_CHOICES = ['auto', 'off', 'ngram'] as const;
export type SpeculationChoice = (typeof SPECULATION_CHOICES)[number];

/** How the next token is drawn. Draws are keyed by (seed, absolute position), so a seed gives the same tokens under every plan. */
export interface SamplingParams {
  /** 0 is greedy. */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Nucleus mass in (0, 1]. */
  readonly topP: number;
  /** 32-bit unsigned. */
  readonly seed: number;
}

export interface GenerateRequest {
  /** 128 random bits, 32 hexadecimal digits. */
  readonly requestId: string;
  readonly modelRoot: Root;
  readonly promptTokens: readonly number[];
  /** Upper bound of the answer's tokens, at least 1; committed tokens count. */
  readonly maxTokens: number;
  /**
   * Tokens of the answer that are known already, fewer than `maxTokens`: the generation goes on behind them. They are
   * not emitted again, and the first token emitted has their number as its index.
   */
  readonly committedTokens?: readonly number[];
  readonly sampling: SamplingParams;
  readonly ignoreEos: boolean;
  /**
   * A JSON Schema as text: tokens are drawn among those only that lead to a document of it, and the end token comes when
   * the text is one. An answer that `maxTokens` ends is the beginning of a document.
   */
  readonly jsonSchema?: string;
  /** Number of alternatives per token (0..20); undefined when log probabilities are not wanted. */
  readonly topLogprobs?: number;
  readonly returnLogits?: 'sha256' | 'f32';
  readonly plan: PlanChoice;
  /** `auto` when left out: drafts are made where they are measured to pay. */
  readonly speculation?: SpeculationChoice;
}

export interface TokenLogprob {
  readonly tokenId: number;
  /** Natural logarithm, of the untempered distribution. */
  readonly logprob: number;
}

/** Milliseconds, measured or forecast. */
export interface Timing {
  readonly msToFirstToken: number;
  readonly msPerToken: number;
}

/** What one node did for one answer, counted from its replies. */
export interface RouteEntry {
  readonly peerId: PeerId;
  /** `stage` ran trunk layers, `experts` only expert calls, `delegate` the whole generation. */
  readonly role: 'stage' | 'experts' | 'delegate';
  /** `A-B`, inclusive, for stages and delegates. */
  readonly layers?: string;
  /** `L.E` of every expert it computed. */
  readonly experts?: readonly string[];
  /** Steps (stages) plus expert calls answered. */
  readonly calls: number;
  /** Computing time the node reported, milliseconds. */
  readonly ms: number;
}

/**
 * Why a node was given up. `gone`: its connection closed; `silent`: no sign of life; `slow`: far behind its own history;
 * `garbage`: what it sent cannot be; `error`: it said so.
 */
export const FAULT_REASONS = ['gone', 'silent', 'slow', 'garbage', 'error'] as const;
export type FaultReason = (typeof FAULT_REASONS)[number];

/** A node that was replaced in mid-answer. */
export interface Failover {
  /** The node that was lost. */
  readonly peerId: PeerId;
  /** Index of the token that was being computed. */
  readonly atToken: number;
  /** From the last result before the loss to the first one after it, milliseconds. */
  readonly gapMs: number;
  readonly reason: FaultReason;
  /** Rows that each node of the plan computed a second time for this answer: none on survivors. */
  readonly rowsRecomputed: Readonly<Record<PeerId, number>>;
}

/** Tokens drafted ahead for one answer, and how many of them stood. */
export interface SpeculationReport {
  readonly drafted: number;
  readonly accepted: number;
}

export type GenerateEvent =
  | {
      readonly type: 'plan';
      readonly plan: PlanType;
      readonly profile: string;
      readonly forecast: Timing;
      /** Tokens of the prompt that no stage had to compute, because their keys and values were kept; absent: none, or not known. */
      readonly cachedTokens?: number;
    }
  | {
      readonly type: 'token';
      /** 0 for the first generated token. */
      readonly index: number;
      readonly tokenId: number;
      readonly logprob?: TokenLogprob;
      readonly topLogprobs?: readonly TokenLogprob[];
      /** SHA-256 in hex, or base64 of the little-endian f32 row, as asked. */
      readonly logits?: string;
    }
  | {
      readonly type: 'done';
      /** `stop`: an end-of-sequence token came (it is not emitted as a token). */
      readonly finishReason: 'stop' | 'length';
      readonly route: readonly RouteEntry[];
      readonly measured: Timing;
      readonly failovers: readonly Failover[];
      readonly speculation: SpeculationReport;
    };

/** A model some node of the network announces, as the gateway needs it. */
export interface ServedModel {
  readonly name: string;
  readonly root: Root;
  readonly contextLength: number;
  readonly vocabSize: number;
  /** Seconds since the epoch: when this node learned of it. */
  readonly created: number;
  readonly tokenizerJson: string;
  readonly tokenizerConfigJson: string;
}

/** What a node did wrong, as this node saw it. */
export interface NodeFaults {
  /** Penalty points, halved every ten minutes; at 100 the node is refused for ten minutes. */
  readonly points: number;
  /** The error code of the latest fault; milliseconds since the epoch. */
  readonly last: { readonly code: string; readonly atMs: number } | null;
  readonly refused: boolean;
}

/** What a node measured of itself, and says of itself. Integers; 0 means not measured yet. */
export interface NodeSpeed {
  /** Microseconds: one decode row through one layer with its experts. */
  readonly stepUs: number;
  /** Microseconds: one expert call with one row. */
  readonly expertUs: number;
  /** Microseconds: one row of a prompt through one layer with its experts. */
  readonly prefillRowUs: number;
  /** Megabytes (10^6) per second that it can send. */
  readonly bandwidthMBps: number;
}

export interface NodeState {
  readonly peerId: PeerId;
  /** Ed25519, 64 lower-case hexadecimal digits: also the node's address on the chain. */
  readonly publicKey: string;
  readonly self: boolean;
  /** A connection to it is open, or it is this node. */
  readonly reachable: boolean;
  /** Of its software. */
  readonly version: string;
  readonly host: string;
  readonly tier: number;
  readonly profile: string;
  /** Milliseconds; null before the first measurement, 0 for this node. */
  readonly rttMs: number | null;
  readonly addresses: readonly string[];
  readonly hosted: {
    /** The model that these are blocks of; null for none that is known. */
    readonly root: Root | null;
    readonly layers: readonly number[];
    readonly experts: readonly string[];
    readonly embedding: boolean;
    readonly head: boolean;
    readonly blocks: number;
  };
  /** Sequences it computes, and requests that wait there: as of its latest record. */
  readonly active: number;
  readonly queued: number;
  /** Memory that is left for sequences, as of its latest record. */
  readonly freeKvBytes: number;
  /** It answers HTTP. */
  readonly gateway: boolean;
  readonly speed: NodeSpeed;
  /** So many times slower than it says, as this node observed it; 1 where nothing was observed. */
  readonly slowness: number;
  /** Milliseconds until the record expires. */
  readonly expiresInMs: number;
  /** Whether the chain knows the node: plans take no other. Left out where no chain runs. */
  readonly registered?: boolean;
  readonly faults: NodeFaults;
}

export interface NetworkState {
  readonly networkId: string;
  readonly peerId: PeerId;
  readonly version: string;
  readonly models: readonly {
    readonly name: string;
    readonly root: Root;
    readonly covered: boolean;
    readonly blocks: number;
    readonly missing: readonly string[];
  }[];
  readonly nodes: readonly NodeState[];
  /** Peers that something is held against and that have no live record: at most 64, the latest. */
  readonly outcasts: readonly { readonly peerId: PeerId; readonly faults: NodeFaults }[];
}

/**
 * Reason to abort a generation with when the caller has all it wants (a stop string matched): the stages are freed, and
 * `done` still follows with what the nodes did.
 */
export const ANSWER_COMPLETE = 'answer complete';

/**
 * What a gateway may ask of the network. `generate` throws before its first event when the request is refused (unknown
 * model, prompt longer than the context, missing blocks, node too busy); aborting the signal cancels every stage.
 */
export interface Coordinator {
  models(): readonly ServedModel[];
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>;
  state(): NetworkState;
  /** Null when ready; otherwise a sentence that says what is missing. */
  notReady(): string | null;
}
