import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenDir } from './golden.ts';

interface TokenizerJson {
  added_tokens: { id: number; content: string }[];
  model: { vocab: Record<string, number> };
}

/** Four special tokens and the 256 bytes. */
const BASE_TOKENS = 260;

/** Tokeniser files of the golden checkpoints with their unused tokens made fewer or more. */
export function randomTokenizerFiles(vocabSize: number): Record<string, string> {
  if (vocabSize < BASE_TOKENS) throw new RangeError(`vocabSize must be at least ${BASE_TOKENS}`);
  const dir = goldenDir('mixtral');
  const tokenizer = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8')) as TokenizerJson;
  const template = tokenizer.added_tokens[0];
  tokenizer.added_tokens = tokenizer.added_tokens.filter(({ id }) => id < BASE_TOKENS);
  tokenizer.model.vocab = Object.fromEntries(
    Object.entries(tokenizer.model.vocab).filter(([, id]) => id < BASE_TOKENS),
  );
  for (let id = BASE_TOKENS; id < vocabSize; id++) {
    const content = `<|unused${id}|>`;
    tokenizer.model.vocab[content] = id;
    tokenizer.added_tokens.push({ ...template, id, content });
  }
  return {
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': readFileSync(join(dir, 'tokenizer_config.json'), 'utf8'),
  };
}
