import type { ApiErrorBody, BlyanAnswer, BlyanChunk, FinishReason, Usage } from '@blyan/api';
import type { ToolCall } from '@blyan/model';
import type { AnswerToken } from '../answer.ts';

/** One whole answer. */
export interface FinishedAnswer extends AnswerEnding {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly calls: readonly ToolCall[];
}

/** How an answer ended. */
export interface AnswerEnding {
  readonly finishReason: FinishReason;
  /** The one that was found; null when none was. */
  readonly stopString: string | null;
}

export interface AnswerDelta {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly calls: readonly ToolCall[];
}

/** One event of a stream. */
export interface Frame {
  /** Its name, for the families whose clients want one: others take a named event for a broken one. */
  readonly event?: string;
  readonly data: object;
}

/**
 * How one route spells one answer; everything else about answers is the same for all routes. The methods for streams are
 * called in the order of the answer, each time it is streamed from its beginning, so that it may count and collect.
 */
export interface AnswerFormat {
  readonly route: string;
  /** Server-sent events, or a JSON object a line. */
  readonly transport: 'sse' | 'ndjson';
  /** What ends a complete stream of events; null for nothing. */
  readonly terminator: string | null;
  whole(answers: readonly FinishedAnswer[], usage: Usage, blyan: BlyanAnswer): object;
  /** Before the text. */
  opening(promptTokens: number): readonly Frame[];
  delta(delta: AnswerDelta, report: BlyanChunk | undefined): readonly Frame[];
  /** After the text of one prompt; with the report after that of the last one. */
  finish(index: number, ending: AnswerEnding, report: BlyanAnswer | undefined): readonly Frame[];
  /** At the end of all. */
  closing(usage: Usage, report: BlyanAnswer): readonly Frame[];
  /** The last event of a stream that broke. */
  failure(error: ApiErrorBody): Frame;
}
