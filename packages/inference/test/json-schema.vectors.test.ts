import { GRAMMAR_LIMITS } from '@blyan/grammar';
import type { GenerateRequest, PeerId } from '@blyan/interface';
import { openTokenizer, type Tokenizer } from '@blyan/model';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openRandom, type TestEngine } from './harness.ts';
import { type Answer, type LaneEngine, StageNetworkTest } from './stage-network.ts';

const IDS: readonly PeerId[] = ['A', 'B', 'C', 'D', 'E'];
const SEEDS = [1, 2, 3, 4];
const document = z.strictObject({
  name: z.string().max(6),
  age: z.int().min(0).max(150),
  tags: z.array(z.enum(['a', 'bb', 'ccc'])).max(4),
  more: z.union([z.null(), z.boolean(), z.strictObject({ x: z.number() })]),
});
const jsonSchema = JSON.stringify(z.toJSONSchema(document));

const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let engines: Map<PeerId, LaneEngine>;
let tokenizer: Tokenizer;
/** By seed, undisturbed on one node. */
const expected = new Map<number, Answer>();

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'mixtral', layerCount: 3, residualGain: 0.02 }));
  engines = StageNetworkTest.engines(model, IDS);
  for (const { core } of engines.values()) cleanup.defer(() => core.stop());
  tokenizer = openTokenizer(model.manifest.files.tokenizerJson ?? '', '{}');
  for (const seed of SEEDS) {
    await using net = new StageNetworkTest(model, engines, seed);
    expected.set(seed, await net.answer('A', net.plan('A', ['A']), request(seed)));
  }
});
afterAll(() => cleanup.disposeAsync());

function request(seed: number, options: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: seed.toString(16).padStart(32, '0'),
    modelRoot: model.model.root,
    promptTokens: [65, 70, seed],
    maxTokens: 300,
    sampling: { temperature: seed === 1 ? 0 : 0.7, topK: seed === 2 ? 3 : 0, topP: seed === 3 ? 0.8 : 1, seed },
    ignoreEos: false,
    returnLogits: 'sha256',
    jsonSchema,
    plan: 'pipeline',
    speculation: 'off',
    ...options,
  };
}

const idsOf = ({ tokens }: Pick<Answer, 'tokens'>) => tokens.map(({ tokenId }) => tokenId);
const known = (seed: number) => expected.get(seed) as Answer;

test.each(SEEDS)('seed %d: the answer is a document of the schema, and ends with it', async (seed) => {
  expect(known(seed).tokens.length).toBeLessThan(300);
  document.parse(JSON.parse(tokenizer.decode(idsOf(known(seed)))));
});

test('at the limit the answer is the beginning of a document', async () => {
  await using net = new StageNetworkTest(model, engines, 1);
  const { tokens } = await net.answer('A', net.plan('A', ['A']), request(1, { maxTokens: 7 }));
  expect(tokens).toEqual(known(1).tokens.slice(0, 7));
  expect(() => JSON.parse(tokenizer.decode(idsOf({ tokens })))).toThrow(SyntaxError);
});

test.each(SEEDS)('seed %d: stages, the head elsewhere, drafts and a death change no token', async (seed) => {
  for (const [speculation, head] of [
    ['off', 'A'],
    ['ngram', 'A'],
    ['ngram', 'E'],
  ] as const) {
    await using net = new StageNetworkTest(model, engines, seed);
    const plan = net.plan('A', seed % 2 ? ['A', 'B', 'C'] : ['B', 'C', 'D'], { head });
    const answer = await net.answer('A', plan, request(seed, { speculation }), undefined, (count) => {
      if (count === 9) net.kill('C');
    });
    expect(answer.tokens, `${speculation} ${head}`).toEqual(known(seed).tokens);
    expect(answer.report.failovers).toHaveLength(1);
    await expect.poll(() => net.leaks(), { timeout: 10_000 }).toEqual({});
  }
});

test('who goes on with an answer anywhere draws the same tokens', async () => {
  const { tokens } = known(3);
  for (let count = 0; count < tokens.length; count += 5) {
    await using net = new StageNetworkTest(model, engines, count);
    const committedTokens = idsOf({ tokens: tokens.slice(0, count) });
    const answer = await net.answer('A', net.plan('A', ['B', 'A']), request(3, { committedTokens }));
    expect(answer.tokens).toEqual(tokens.slice(count));
  }
});

test('answers of different schemas, and of none, do not disturb each other', async () => {
  await using net = new StageNetworkTest(model, engines, 5);
  const plan = net.plan('A', ['B', 'C']);
  const free = await net.answer('A', plan, request(2, { jsonSchema: undefined, maxTokens: 30 }));
  const number = await net.answer('A', plan, request(4, { jsonSchema: '{"type":"integer"}' }));
  const [again, other, plain] = await Promise.all([
    net.answer('A', plan, request(2)),
    net.answer('A', plan, request(4, { jsonSchema: '{"type":"integer"}' })),
    net.answer('A', plan, request(2, { requestId: 'e'.repeat(32), jsonSchema: undefined, maxTokens: 30 })),
  ]);
  expect(again.tokens).toEqual(known(2).tokens);
  expect(other.tokens).toEqual(number.tokens);
  expect(plain.tokens).toEqual(free.tokens);
  expect(tokenizer.decode(idsOf(number))).toMatch(/^-?\d{1,19}$/);
});

test('a head that draws what may not come is replaced', async () => {
  await using net = new StageNetworkTest(model, engines, 1);
  const brace = tokenizer.tokenId('}') as number;
  net.network.onAnswer = (from, method, answer) =>
    from === 'E' && method === 'sample' ? [{ ...(answer as object[])[0], tokenId: brace }] : answer;
  const answer = await net.answer('A', net.plan('A', ['B', 'C'], { head: 'E' }), request(1));
  expect(answer.tokens).toEqual(known(1).tokens);
  expect(net.blamed.map(({ peerId }) => peerId)).toEqual(['E']);
});

/** The events of a whole request at a coordinator that holds nothing, so that a delegate computes it. */
async function delegated(net: StageNetworkTest, options: Partial<GenerateRequest>) {
  net.empty.add('A');
  const events = net.nodes
    .get('A')
    ?.coordinator.generate(request(3, { plan: 'static_delegate', ...options }), new AbortController().signal);
  const tokens: number[] = [];
  let end = '';
  for await (const event of events ?? []) {
    if (event.type === 'token') tokens.push(event.tokenId);
    if (event.type === 'done') end = event.finishReason;
  }
  return { tokens, end };
}

test('a delegate draws the same tokens, and one that draws others is replaced', async () => {
  await using net = new StageNetworkTest(model, engines, 1);
  expect(await delegated(net, {})).toEqual({ tokens: idsOf(known(3)), end: 'stop' });
  await using lying = new StageNetworkTest(model, engines, 1);
  for (const id of ['C', 'D', 'E']) lying.empty.add(id);
  const tokenId = tokenizer.tokenId('}') as number;
  lying.nodes.get('B')?.peer.handle('generate', { request: z.unknown() }, async function* () {
    // Somebody else can go on.
    lying.empty.delete('C');
    yield { type: 'opened' };
    yield { type: 'token', token: { tokenId } };
  });
  expect((await delegated(lying, {})).tokens).toEqual(idsOf(known(3)));
  expect(lying.blamed).toEqual([{ peerId: 'B', reason: 'garbage' }]);
});

test('what cannot be held to is refused before anybody computes', async () => {
  await using net = new StageNetworkTest(model, engines, 1);
  const refused = (options: Partial<GenerateRequest>) => expect(delegated(net, options)).rejects;
  await refused({ jsonSchema: '{"type":"string","pattern":"a"}' }).toMatchObject({ code: 'ERR_GRAMMAR_UNSUPPORTED' });
  await refused({ jsonSchema: ' '.repeat(GRAMMAR_LIMITS.schemaChars + 1) }).toMatchObject({
    code: 'ERR_GRAMMAR_TOO_LARGE',
  });
  const committedTokens = [tokenizer.tokenId('}') as number];
  await refused({ committedTokens }).toMatchObject({ code: 'ERR_INFERENCE_RANGE' });
});
