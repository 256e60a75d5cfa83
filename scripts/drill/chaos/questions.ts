import type { PlanChoice } from '@blyan/interface';
import { Random32 } from '@blyan/testkit';
import { generate } from '../../bench/network/generate.ts';
import { drillPrompt } from '../cluster/drill-model.ts';

export interface ChaosQuestion {
  readonly prompt: readonly number[];
  readonly plan: PlanChoice;
  /** The answer of an undisturbed network. */
  readonly expected: readonly number[];
}

export interface QuestionsFrom {
  readonly gateway: string;
  readonly model: string;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

const QUESTIONS = 16;
const PROMPT_TOKENS = [8, 96] as const;
const ANSWER_TOKENS = [24, 64] as const;
/** Most are left to the network; the others make sure that every shape of plan is in the storm. */
const PLANS: readonly PlanChoice[] = ['auto', 'pipeline', 'auto', 'dynamic'];

/** Questions of different lengths and plans, with the answers that a calm network gives. */
export async function askAll(from: QuestionsFrom): Promise<ChaosQuestion[]> {
  const { gateway, model, vocabSize, contextLength, seed, signal } = from;
  const random = new Random32(seed);
  const between = ([least, most]: readonly [number, number]) => {
    const limit = Math.min(most, contextLength >> 1);
    return Math.min(least, limit) + (random.next() % (1 + limit - Math.min(least, limit)));
  };
  const questions: ChaosQuestion[] = [];
  for (let index = 0; index < QUESTIONS; index++) {
    const prompt = drillPrompt(between(PROMPT_TOKENS), vocabSize, seed * 1_009 + index);
    const plan = PLANS[index % PLANS.length] as PlanChoice;
    const tokens = between(ANSWER_TOKENS);
    const answer = await generate({ gateway, model, prompt, tokens, plan, speculation: 'auto', signal });
    questions.push({ prompt, plan, expected: answer.tokenIds });
  }
  return questions;
}
