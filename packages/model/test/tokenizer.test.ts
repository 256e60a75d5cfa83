import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenDir, loadGolden } from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { openTokenizer } from '../src/index.ts';
import { sentencePieceTokenizer } from './sentencepiece-tokenizer.ts';

const read = (file: string) => readFileSync(join(goldenDir('mixtral'), file), 'utf8');
const TOKENIZER = read('tokenizer.json');
const CONFIG = read('tokenizer_config.json');
const golden = openTokenizer(TOKENIZER, CONFIG);
const withTemplate = (template: unknown) => openTokenizer(TOKENIZER, JSON.stringify({ chat_template: template }));
const USER = [{ role: 'user' as const, content: 'hi' }];

test('encodes the golden prompts', () => {
  for (const { prompt, ids } of loadGolden('mixtral')) expect(golden.encode(prompt)).toEqual(ids);
  expect(golden.encode('')).toEqual([]);
});

test('knows its size and special tokens', () => {
  expect(golden).toMatchObject({ vocabSize: 300, eosTokenId: 1, bosTokenId: null, hasChatTemplate: true });
  expect([0, 1, 76, 299, 300].map((id) => golden.isSpecial(id))).toEqual([true, true, false, true, false]);
  expect(golden.tokenId('<|im_end|>')).toBe(3);
  expect(golden.tokenId('nothing')).toBeNull();
});

describe('streaming', () => {
  const text = 'aé강🌊\u{1F468}\u200d\u{1F469} \ufeff\r\nz';

  test('gives whole code points and, joined, the text', () => {
    const ids = golden.encode(text);
    expect(ids).toHaveLength(Buffer.from(text).length);
    const decoder = golden.streamDecoder();
    const pieces = ids.map((id) => decoder.push(id));
    expect(pieces.every((piece) => piece.isWellFormed() && !piece.includes('\ufffd'))).toBe(true);
    expect(pieces.join('') + decoder.flush()).toBe(text);
    expect(golden.decode(ids)).toBe(text);
  });

  test('an unfinished or impossible code point becomes U+FFFD', () => {
    const [first = 0, second = 0] = golden.encode('강');
    expect(golden.decode([first, second])).toBe('\ufffd');
    expect(golden.decode([first, 69, second, 69])).toBe('\ufffdA\ufffdA');
    const decoder = golden.streamDecoder();
    expect([decoder.push(first), decoder.flush(), decoder.push(69)]).toEqual(['', '\ufffd', 'A']);
  });

  test('special tokens are skipped unless asked for', () => {
    const ids = golden.encode('<|im_start|>A<|im_end|>');
    expect(ids).toEqual([2, 69, 3]);
    expect(golden.decode(ids)).toBe('A');
    expect(golden.decode(ids, { skipSpecial: false })).toBe('<|im_start|>A<|im_end|>');
  });

  test('ids without a token are empty', () => {
    expect(golden.decode([69, 5_000, 69])).toBe('AA');
    expect(golden.tokenBytes(5_000)).toHaveLength(0);
    expect(golden.tokenBytes(golden.encode('강')[0] ?? 0)).toEqual(Uint8Array.of(0xea));
  });
});

describe('the chat template', () => {
  test('renders ChatML and encodes its special tokens', () => {
    const messages = [{ role: 'developer' as const, content: 'be brief' }, ...USER];
    const text = '<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n';
    expect(golden.applyChatTemplate(messages, { addGenerationPrompt: false })).toBe(text);
    expect(golden.applyChatTemplate(messages)).toBe(`${text}<|im_start|>assistant\n`);
    expect(golden.encodeChat(USER)[0]).toBe(2);
    expect(golden.decode(golden.encodeChat(USER), { skipSpecial: false })).toBe(golden.applyChatTemplate(USER));
  });

  test('may be one of several, and sees special tokens and null contents', () => {
    const template = "{{ eos_token }}{{ messages[0]['content'] }}|{{ messages[0].tool_calls[0].id }}";
    const tokenizer = openTokenizer(
      TOKENIZER,
      JSON.stringify({
        eos_token: { content: '<|eos|>' },
        chat_template: [
          { name: 'rag', template: 'no' },
          { name: 'default', template },
        ],
      }),
    );
    const messages = [{ role: 'assistant' as const, content: null, tool_calls: [{ id: 'call' }] }];
    expect(tokenizer.applyChatTemplate(messages)).toBe('<|eos|>|call');
  });

  test.each<[string, unknown, RegExp]>([
    ['is missing', undefined, /no chat template/],
    ['cannot be parsed', '{% if %}', /cannot be parsed/],
    ['refuses the messages', "{{ raise_exception('roles must alternate') }}", /roles must alternate/],
    ['is of an absurd length', 'x'.repeat(2 ** 20 + 1), /longer than/],
  ])('that %s is an error with a code', (_, template, message) => {
    const tokenizer = withTemplate(template);
    expect(tokenizer.hasChatTemplate).toBe(template !== undefined);
    expect(() => tokenizer.applyChatTemplate(USER)).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_TEMPLATE', message: expect.stringMatching(message) }),
    );
  });
});

describe('a SentencePiece tokeniser', () => {
  const tokenizer = openTokenizer(sentencePieceTokenizer(), JSON.stringify({ bos_token: '<s>', eos_token: '</s>' }));

  test('adds its BOS token only where asked for', () => {
    expect(tokenizer.encode('hi')[0]).toBe(1);
    expect(tokenizer.encode('hi', { addSpecialTokens: false })).toEqual([tokenizer.tokenId('\u2581hi')]);
    expect(tokenizer).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  test('streams byte tokens as code points, without the first space', () => {
    const text = 'hi hi! 강 é';
    const ids = tokenizer.encode(text);
    const decoder = tokenizer.streamDecoder();
    const pieces = ids.map((id) => decoder.push(id));
    expect(pieces.slice(0, 3)).toEqual(['', 'hi', ' hi']);
    expect(pieces.every((piece) => !piece.includes('\ufffd'))).toBe(true);
    expect(pieces.join('') + decoder.flush()).toBe(text);
  });
});

test.each<[string, string, string]>([
  ['not JSON', '{', '{}'],
  ['no object', '[]', '{}'],
  ['a configuration that is no object', TOKENIZER, '3'],
  ['no model', JSON.stringify({ ...JSON.parse(TOKENIZER), model: undefined }), '{}'],
  ['an unknown model', JSON.stringify({ ...JSON.parse(TOKENIZER), model: { type: 'Magic' } }), '{}'],
  ['no decoder', JSON.stringify({ ...JSON.parse(TOKENIZER), decoder: null }), '{}'],
])('%s is an error with a code', (_, tokenizerJson, configJson) => {
  expect(() => openTokenizer(tokenizerJson, configJson)).toThrow(
    expect.objectContaining({ code: 'ERR_MODEL_TOKENIZER' }),
  );
});
