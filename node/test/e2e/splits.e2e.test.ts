import { join } from 'node:path';
import {
  goldenDir,
  loadReferenceCheckpoint,
  type RandomModelSizes,
  type ReferenceModel,
  referenceForward,
  temporaryDirectory,
  writeRandomCheckpoint,
} from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { distance, floatsOf, type GreedyAnswer, greedy, greedyBody, PLAN_TYPES, type PlanType } from './answers.ts';
import { Devnet } from './devnet.ts';
import { LocalNet } from './local-net.ts';

interface Split {
  readonly what: string;
  readonly sizes: RandomModelSizes;
  readonly seed: number;
  /** Node 0, which answers, first. */
  readonly hosts: readonly string[];
  /** Plans that the split makes impossible, and what the coordinator lacks for them. */
  readonly impossible?: Partial<Record<PlanType, readonly string[]>>;
}

const SPLITS: readonly Split[] = [
  {
    what: 'a coordinator without blocks, layers taken in turns, an odd vocabulary, tied embeddings',
    sizes: {
      architecture: 'mixtral',
      ...{ hiddenSize: 40, layerCount: 3, headCount: 4, kvHeadCount: 2, headDim: 10, vocabSize: 263 },
      ...{ expertCount: 5, expertFfnSize: 36, tieEmbeddings: true },
    },
    seed: 11,
    hosts: ['none', 'layers:0,layers:2,embedding', 'layers:1,head'],
    impossible: { dynamic: ['trunk:0', 'trunk:1', 'trunk:2'] },
  },
  {
    what: 'experts of every layer on three nodes, one of them held twice, ends away from the coordinator',
    sizes: {
      architecture: 'qwen3_moe',
      ...{ hiddenSize: 72, layerCount: 2, headCount: 2, kvHeadCount: 1, headDim: 160, vocabSize: 301 },
      ...{ expertCount: 5, expertsPerToken: 3, expertFfnSize: 20, normTopkProb: true },
    },
    seed: 12,
    hosts: ['trunk,experts:*.0-1', 'head,experts:*.2,experts:1.4', 'trunk,embedding,experts:*.3-4'],
  },
  {
    what: 'a shared expert and biases, trunks apart from all experts, an expert alone on a node',
    sizes: {
      architecture: 'qwen2_moe',
      ...{ hiddenSize: 72, layerCount: 2, headCount: 4, kvHeadCount: 4, headDim: 6, vocabSize: 265 },
      ...{ expertCount: 5, expertFfnSize: 28, sharedExpertFfnSize: 44, tieEmbeddings: true },
    },
    seed: 13,
    hosts: ['trunk,head', 'embedding,experts:0.0', 'experts:0.1-4,experts:1.3-4', 'experts:1.0-2'],
  },
  {
    what: 'clipped projections, the second half of the trunk elsewhere',
    sizes: {
      architecture: 'olmoe',
      ...{ hiddenSize: 40, layerCount: 4, headCount: 2, kvHeadCount: 2, headDim: 22, vocabSize: 299 },
      ...{ expertCount: 5, expertFfnSize: 33, clipQkv: 0.7 },
    },
    seed: 14,
    hosts: ['embedding,layers:0-1,experts:3.0-2', 'layers:2-3,head'],
    impossible: { dynamic: ['trunk:2', 'trunk:3'] },
  },
  {
    what: 'the smallest head there is, and one expert per token',
    sizes: {
      architecture: 'mixtral',
      ...{ hiddenSize: 40, layerCount: 2, headCount: 4, kvHeadCount: 1, headDim: 2, vocabSize: 261 },
      ...{ expertCount: 3, expertsPerToken: 1, expertFfnSize: 17 },
    },
    seed: 15,
    hosts: ['embedding,experts:0.0,layers:1', 'trunk,head,experts:0.1-2'],
    impossible: { dynamic: ['trunk:0'] },
  },
];

const TOKENS = 8;
/** Two chunks of prompt rows. */
const LONG_PROMPT = Array.from({ length: 140 }, (_, i) => 4 + ((i * 37 + ((i * i) >> 3)) % 250));
const SHORT_PROMPT = [7, 99, 180, 4, 255, 31];
/** A lead below this may be lost to rounding. */
const MARGIN = 4e-3;

describe.each(SPLITS)('$what', (split) => {
  const possible = PLAN_TYPES.filter((plan) => split.impossible?.[plan] === undefined);
  let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
  let net: LocalNet;
  let reference: ReferenceModel;
  beforeAll(async () => {
    dir = await temporaryDirectory();
    const model = join(dir.path, 'checkpoint');
    await writeRandomCheckpoint({ ...split.sizes, dir: model, seed: split.seed });
    reference = await loadReferenceCheckpoint(model);
    net = await LocalNet.start({ model, hosts: split.hosts });
  });
  afterAll(async () => {
    await net?.stop();
    await dir?.[Symbol.asyncDispose]();
  });

  test.each([
    SHORT_PROMPT,
    LONG_PROMPT,
  ])('every possible plan gives the reference logits, and the same to the bit', async (...prompt) => {
    const answers = await Promise.all(possible.map((plan) => greedy(net, prompt, plan, TOKENS)));
    const [first] = answers as [GreedyAnswer];
    expectReference(reference, prompt, first);
    for (const answer of answers)
      expect(answer, `${answer.plan} and ${first.plan}`).toEqual({ ...first, plan: answer.plan });
  });

  test.each(
    Object.entries(split.impossible ?? {}),
  )('%s is refused with what the coordinator lacks', async (plan, missing) => {
    const { status, body } = await net.refusal(greedyBody(SHORT_PROMPT, plan as PlanType, 1));
    expect(status).toBe(503);
    expect(body.error).toMatchObject({ type: 'shard_unavailable', code: 'ERR_INFERENCE_MISSING_BLOCKS', missing });
    for (const label of missing) expect(body.error.message).toContain(label);
  });
});

/** Every row is the reference's for the same tokens, and every token leads there, as far as rounding lets it. */
function expectReference(model: ReferenceModel, prompt: readonly number[], answer: GreedyAnswer): void {
  const tokens = [...prompt, ...answer.tokens.slice(0, -1)];
  const rows = referenceForward(model, tokens).slice(prompt.length - 1);
  expect(answer.rows).toHaveLength(TOKENS);
  for (const [index, row] of rows.entries()) {
    expect(distance(floatsOf(answer.rows[index] as string), row)).toBeLessThan(2e-3);
    const lead = row[answer.tokens[index] as number] as number;
    expect(lead).toBeGreaterThan(Math.max(...row) - MARGIN);
  }
}

test('a split that leaves blocks out comes up, says so, and refuses every plan with the list', async () => {
  const hosts = ['trunk,embedding,experts:*.0-2', 'layers:0,experts:1.3'];
  await using net = await Devnet.start({ model: goldenDir('mixtral'), hosts });
  const { models } = await net.state();
  const { missing = [] } = models[0] ?? {};
  expect(missing[0]).toBe('expert:1.4');
  expect(missing.at(-1)).toBe('head');
  expect(models[0]?.covered).toBe(false);
  expect(net.program.stderr).toMatch(/No node is to host expert:1\.4, .*head: requests are refused/);
  expect((await net.request('/readyz')).status).toBe(503);
  for (const plan of ['auto', ...PLAN_TYPES] as const) {
    const { status, body } = await net.refusal(greedyBody(SHORT_PROMPT, plan, 1));
    expect([status, body.error.code, body.error.missing]).toEqual([503, 'ERR_INFERENCE_MISSING_BLOCKS', missing]);
  }
});
