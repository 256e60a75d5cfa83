import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '@blyan/model';

/** The architectures that have a golden checkpoint: all of them. */
export const GOLDEN_ARCHITECTURES = ARCHITECTURES;

/** One prompt of golden.json, computed by an independent PyTorch f32 forward pass. */
export interface GoldenCase {
  readonly prompt: string;
  readonly ids: readonly number[];
  /** Logits of the last prompt position. */
  readonly lastLogits: readonly number[];
  /** 24 greedy tokens; no stop token was applied. */
  readonly greedy: readonly number[];
}

/** Folder of the golden checkpoint (Hugging Face layout, bf16, about 0.5 M parameters). */
export function goldenDir(architecture: Architecture): string {
  return join(import.meta.dirname, '..', 'fixtures', 'golden', architecture);
}

export function loadGolden(architecture: Architecture): GoldenCase[] {
  const text = readFileSync(join(goldenDir(architecture), 'golden.json'), 'utf8');
  const cases = JSON.parse(text) as { prompt: string; ids: number[]; last_logits: number[]; greedy: number[] }[];
  return cases.map(({ last_logits: lastLogits, ...rest }) => ({ ...rest, lastLogits }));
}
