import { parseJsonObject, readSmallFile } from './checkpoint.ts';
import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';

/** Files of a checkpoint folder that travel in the manifest block, in this order, with the most bytes each may have. */
export const MODEL_FILES: ReadonlyMap<string, number> = new Map([
  ['tokenizer.json', 64 << 20],
  ['tokenizer_config.json', 8 << 20],
  ['chat_template.jinja', 1 << 20],
  ['generation_config.json', 1 << 20],
  ['config.json', 1 << 20],
]);

const EMPTY_OBJECT = new TextEncoder().encode('{}');

/** The texts a model's manifest carries. */
export interface ModelFiles {
  readonly tokenizerJson: string;
  /** `{}` when the checkpoint has none; a separate chat template is merged in as `chat_template`. */
  readonly tokenizerConfigJson: string;
  readonly configJson: string;
  readonly generationConfigJson: string | null;
}

/**
 * Reads what is there of MODEL_FILES.
 * @throws ModelError ERR_MODEL_CHECKPOINT when config.json or tokenizer.json is missing or one is too long
 */
export async function readModelFiles(dir: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [file, maxBytes] of MODEL_FILES) {
    const bytes = await readSmallFile(dir, file, maxBytes);
    if (bytes !== null) files.set(file, bytes);
  }
  for (const file of ['config.json', 'tokenizer.json']) {
    if (files.has(file)) continue;
    const message = `${dir} has no ${file}: point to a complete Hugging Face checkpoint folder.`;
    throw new ModelError('ERR_MODEL_CHECKPOINT', message, { meta: { file } });
  }
  return files;
}

/** Decodes the files of a manifest; `fail` is called with what is wrong. */
export function modelFilesFrom(
  files: ReadonlyMap<string, Uint8Array>,
  fail: (message: string, cause?: unknown) => never,
): ModelFiles {
  const text = (file: string): string | null => {
    const bytes = files.get(file);
    if (bytes === undefined) return null;
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      return fail(`its ${file} is not UTF-8`, cause);
    }
  };
  const template = text('chat_template.jinja');
  let tokenizerConfigJson = text('tokenizer_config.json') ?? '{}';
  if (template !== null) {
    let config: JsonObject;
    try {
      config = parseJsonObject(files.get('tokenizer_config.json') ?? EMPTY_OBJECT, 'tokenizer_config.json');
    } catch (cause) {
      return fail('its tokenizer_config.json is not a JSON object', cause);
    }
    tokenizerConfigJson = JSON.stringify({ ...config, chat_template: template });
  }
  return {
    tokenizerJson: text('tokenizer.json') ?? fail('it has no tokenizer.json'),
    tokenizerConfigJson,
    configJson: text('config.json') ?? fail('it has no config.json'),
    generationConfigJson: text('generation_config.json'),
  };
}
