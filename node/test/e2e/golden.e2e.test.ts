import { createHash } from 'node:crypto';
import { GOLDEN_ARCHITECTURES, goldenDir, loadGolden } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { distance, floatsOf, greedy, greedyBody, PLAN_TYPES } from './answers.ts';
import { LocalNet } from './local-net.ts';

const TOKENS = 24;

describe.each(GOLDEN_ARCHITECTURES)('%s over three daemons', (architecture) => {
  const cases = loadGolden(architecture);
  let net: LocalNet;
  beforeAll(async () => {
    net = await LocalNet.start({ model: goldenDir(architecture) });
  });
  afterAll(() => net?.stop());

  test.each(
    cases,
  )('the four plans give the reference tokens and the same logits to the bit: $prompt', async (golden) => {
    const answers = await Promise.all(PLAN_TYPES.map((plan) => greedy(net, golden.ids, plan, TOKENS)));
    for (const [index, answer] of answers.entries()) {
      expect(answer.plan).toBe(PLAN_TYPES[index]);
      expect(answer.tokens).toEqual(golden.greedy);
      expect(distance(floatsOf(answer.rows[0] as string), golden.lastLogits)).toBeLessThan(2e-3);
      expect(answer.rows, `${answer.plan} and local`).toEqual(answers[0]?.rows);
    }
  });

  test('the prompt as text gives the same ids, and hashes are those of the rows', async () => {
    const [{ prompt, ids }] = cases as [(typeof cases)[number]];
    const rows = await greedy(net, ids, 'pipeline', TOKENS);
    const body = {
      ...greedyBody(prompt, 'dynamic', TOKENS),
      blyan: { plan: 'dynamic', return_token_ids: true, return_logits: 'sha256' },
    };
    const { blyan, usage } = await net.complete(body);
    expect(usage).toEqual({ prompt_tokens: ids.length, completion_tokens: TOKENS, total_tokens: ids.length + TOKENS });
    expect(blyan.token_ids).toEqual(rows.tokens);
    expect(blyan.logits).toEqual(
      rows.rows.map((row) => createHash('sha256').update(Buffer.from(row, 'base64')).digest('hex')),
    );
  });
});
