import { encodeCanonical } from '@blyan/codec';
import { generateKeyPair } from '@blyan/crypto';
import { describe, expect, test } from 'vitest';
import { buildPlan, decodePlan, isRefusal, type Plan, planBytes, signPlan, verifyPlan } from '../src/index.ts';
import { devnet, model, PROFILE, ROOT } from './network.ts';

const manifest = model({ layers: 3, experts: 4 });
const outcome = buildPlan('pipeline', { manifest, views: devnet(3, manifest), self: 'A', profile: PROFILE });
if (isRefusal(outcome)) throw new Error(outcome.refused);
const { plan } = outcome;

describe('bytes', () => {
  test('a plan survives its bytes, and they do not grow with the length of peer ids per expert', () => {
    expect(decodePlan(planBytes(plan))).toEqual(plan);
    const large = model({ layers: 48, experts: 128 });
    const dynamic = buildPlan('dynamic', { manifest: large, views: devnet(4, large), self: 'A', profile: PROFILE });
    expect(!isRefusal(dynamic) && planBytes(dynamic.plan).length).toBeLessThan(32_000);
  });

  const body = {
    v: 1,
    type: 'local',
    modelRoot: ROOT,
    profile: 'p',
    mixed: false,
    embedding: 0,
    head: 0,
    stages: [[0, 0, 0]],
    experts: [[[0]]],
    fallback: [] as number[],
    peers: ['A'],
  };

  test('the smallest plan is read', () => expect(decodePlan(encodeCanonical(body)).stages).toHaveLength(1));

  test.each([
    ['another version', { v: 2 }],
    ['an unknown type', { type: 'magic' }],
    ['a root in capitals', { modelRoot: ROOT.toUpperCase() }],
    ['a long profile', { profile: 'p'.repeat(513) }],
    ['a peer it does not list', { head: 1 }],
    ['a negative peer', { head: -1 }],
    ['a peer nobody refers to', { peers: ['A', 'B'] }],
    ['a double peer', { peers: ['A', 'A'], head: 1 }],
    ['text that is no peer id', { peers: ['../x'] }],
    ['an expert without a holder', { experts: [[[]]] }],
    ['uneven layers', { experts: [[[0]], [[0], [0]]], stages: [[0, 0, 1]] }],
    ['a layer without experts', { experts: [[]] }],
    ['no stage', { stages: [], experts: [] }],
    ['a gap between stages', { experts: [[[0]], [[0]]], stages: [[0, 0, 0]] }],
    [
      'overlapping stages',
      {
        stages: [
          [0, 0, 0],
          [0, 0, 0],
        ],
      },
    ],
    ['a stage that runs backwards', { stages: [[0, 0, -1]] }],
    ['too many holders', { experts: [[new Array(9).fill(0)]] }],
    ['a foreign field', { extra: 1 }],
  ])('%s is refused', (_, change) => {
    expect(() => decodePlan(encodeCanonical({ ...body, ...change }))).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_PLAN_BYTES', kind: 'peer' }),
    );
  });
});

describe('signatures', () => {
  test('bind every field of the plan to its maker', () => {
    const { secretSeed, publicKey } = generateKeyPair();
    const signed = signPlan(plan, secretSeed);
    expect(verifyPlan(signed, publicKey)).toBe(true);
    expect(verifyPlan(plan, publicKey)).toBe(false);
    expect(verifyPlan(signed, generateKeyPair().publicKey)).toBe(false);
    const changes: Partial<Plan>[] = [{ head: 'C' }, { mixedProfile: true }, { profile: 'x' }, { fallbackOrder: [] }];
    for (const change of changes) expect(verifyPlan({ ...signed, ...change }, publicKey)).toBe(false);
  });
});
