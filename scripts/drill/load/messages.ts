import type { Tally } from './tally.ts';

/** A question and its answer by a network that does nothing else. */
export interface Question {
  readonly text: string;
  readonly answer: string;
}

/** What a process of clients is told. */
export interface Orders {
  readonly gateway: string;
  readonly model: string;
  readonly questions: readonly Question[];
  /** Tokens of an answer, at most. */
  readonly tokens: number;
  readonly seed: number;
  /** Indices of its clients. */
  readonly clients: readonly number[];
  /** Mean time that a good client thinks between two questions, milliseconds. */
  readonly thinkMs: number;
}

export type ToClients =
  | { readonly type: 'begin'; readonly orders: Orders }
  /** The gateway is told to stop: it may be away from now on. */
  | { readonly type: 'away' }
  /** It is back. */
  | { readonly type: 'back' }
  /** Nobody begins anything new. */
  | { readonly type: 'end' };

export type FromClients =
  | { readonly type: 'progress'; readonly asked: number; readonly served: number; readonly complaints: number }
  | { readonly type: 'report'; readonly tally: Tally };
