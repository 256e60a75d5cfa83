import type { BlyanAnswer, FinishReason, Usage } from '@blyan/api';
import type { AnswerToken } from './answer.ts';

/** One whole answer. */
export interface FinishedAnswer {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly finishReason: FinishReason;
}

export interface DeltaChoice {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
}

/** How one route spells answers; everything else about them is the same for all routes. */
export interface AnswerFormat {
  readonly route: string;
  /** `usage` is to be sent as an extra last event. */
  readonly includeUsage: boolean;
  whole(answers: readonly FinishedAnswer[], usage: Usage, blyan: BlyanAnswer): object;
  /** Fields that all events share. */
  chunkHead(): object;
  /** Choices of the first event, or null when there is nothing to say before the text. */
  openingChoice(): object | null;
  deltaChoice(delta: DeltaChoice): object;
  finishChoice(index: number, finishReason: FinishReason): object;
}
