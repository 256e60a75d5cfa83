import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type GrammarState, parseSchema, TokenGrammar, type TokenMask, Vocabulary } from '@blyan/grammar';
import { openTokenizer } from '@blyan/model';
import { drawToken } from '../../../packages/inference/src/head.ts';
import type { Benchmark } from '../benchmark.ts';
import { figure } from '../figure.ts';
import { median, percentile } from '../stats.ts';

/** Of models such as Qwen3; the tokens that the genesis model has not are pairs of those it has. */
const LARGE_VOCABULARY = 151_936;
const ROUNDS = 200;
const DRAW = { params: { temperature: 0.7, topK: 0, topP: 0.9, seed: 1 } };
const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 40 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 5 },
    kind: { enum: ['river', 'lake', 'sea'] },
    more: { type: 'object' },
  },
  required: ['name', 'age', 'tags', 'kind', 'more'],
};
const DOCUMENT = {
  ...{ name: 'Ada Lovelace of London', age: 36, tags: ['math', 'engine', 'poetry'], kind: 'lake' },
  more: { x: [1, 2, { y: 'hello world' }] },
};

export const grammar: Benchmark = {
  name: 'grammar',
  about:
    'What it costs per token to hold an answer to a JSON Schema: making a mask for the first time, finding it again, and ' +
    'drawing from masked logits against drawing from all.',
  async run({ report }) {
    const file = (name: string) =>
      readFile(fileURLToPath(new URL(`../../../genesis/model/${name}`, import.meta.url)), 'utf8');
    const tokenizer = openTokenizer(await file('tokenizer.json'), await file('tokenizer_config.json'));
    const tokens = tokenizer.encode(JSON.stringify(DOCUMENT), { addSpecialTokens: false });
    const bytes = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenBytes(id));
    for (const size of [tokenizer.vocabSize, LARGE_VOCABULARY]) {
      for (let id = bytes.length; id < size; id++) {
        const [first, second] = [(id * 7_919) % 3_000, (id * 104_729) % 3_001];
        bytes.push(Buffer.concat([bytes[first + 10] as Uint8Array, bytes[second + 10] as Uint8Array]));
      }
      const vocabulary = new Vocabulary({
        size,
        endTokenIds: [tokenizer.eosTokenId as number],
        tokenBytes: (id) => bytes[id] as Uint8Array,
        isSpecial: (id) => tokenizer.isSpecial(id),
        stripsLeadingSpace: false,
      });
      const held = new TokenGrammar(parseSchema(JSON.stringify(SCHEMA)), vocabulary);
      const walk = (each: (mask: () => TokenMask) => void) => {
        let state = held.start;
        for (const id of tokens) {
          const at = state;
          each(() => held.mask(at));
          state = held.advance(state, id) as GrammarState;
        }
      };
      const first: number[] = [];
      const masks: TokenMask[] = [];
      walk((mask) => first.push(timed(() => masks.push(mask()))));
      const known = Array.from({ length: ROUNDS }, () => timed(() => walk((mask) => mask())) / tokens.length);
      const logits = Float32Array.from({ length: size }, (_, id) => Math.sin(id * 12.9898) * 4);
      const draw = (mask?: TokenMask) => timed(() => drawToken(logits, DRAW, 5, mask));
      const all = median(Array.from({ length: ROUNDS }, () => draw()));
      const masked = median(Array.from({ length: ROUNDS }, (_, round) => draw(masks[round % masks.length])));
      const name = `grammar.${size}`;
      report(figure(`${name}.first-median`, median(first), 'us'));
      report(figure(`${name}.first-p95`, percentile(first, 0.95), 'us'));
      report(figure(`${name}.known`, median(known), 'us', { goal: { below: 10 } }));
      report(figure(`${name}.draw`, masked, 'us', { limit: all, against: 'drawing from all tokens' }));
    }
  },
};

/** Microseconds. */
function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return (performance.now() - started) * 1_000;
}
