import { randomUUID } from 'node:crypto';
import type { Engine, EngineCore, ModelView, SampleSpec, SequenceUsage } from '@blyan/inference';

const GREEDY: SampleSpec = { params: { temperature: 0, topK: 0, topP: 1, seed: 0 } };

export interface GreedyText {
  readonly tokens: readonly number[];
  /** From the second token to the last, milliseconds. */
  readonly decodeMs: number;
  readonly usage: SequenceUsage;
}

/** One greedy continuation on one engine that has every block: of so many tokens, or up to the end of the text. */
export async function greedyText(
  engine: Engine | EngineCore,
  view: ModelView,
  prompt: readonly number[],
  tokens: number,
  { mayEnd = false, onFirstToken }: { mayEnd?: boolean; onFirstToken?: () => void } = {},
): Promise<GreedyText> {
  const sequence = randomUUID();
  const { layerCount, expertCount, eosTokenIds } = view.spec;
  const localExperts = new Uint8Array(layerCount * expertCount).fill(1);
  const layers = { firstLayer: 0, lastLayer: layerCount - 1 };
  const capacity = prompt.length + tokens;
  await engine.open({ sequence, modelRoot: view.root, ...layers, capacity, route: '', localExperts });
  const text: number[] = [];
  let position = 0;
  let input = Uint32Array.from(prompt);
  let started = 0;
  for (;;) {
    const result = await engine.step({ sequence, position, input, output: 'sample', sample: GREEDY });
    const token = result.tokens?.[0]?.tokenId ?? -1;
    if (text.length === 0) {
      onFirstToken?.();
      started = performance.now();
    }
    if (mayEnd && eosTokenIds.includes(token)) break;
    text.push(token);
    if (text.length === tokens) break;
    position += input.length;
    input = Uint32Array.of(token);
  }
  const decodeMs = performance.now() - started;
  const usage = await engine.close({ sequence });
  if (usage === null) throw new Error('the engine forgot a sequence');
  return { tokens: text, decodeMs, usage };
}
