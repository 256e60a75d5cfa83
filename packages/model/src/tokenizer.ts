import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { type ChatMessage, ChatTemplate, type ChatTemplateOptions, specialTokenText } from './chat-template.ts';
import { runWithDeadline } from './deadline.ts';
import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';
import { StreamDecoder } from './stream-decoder.ts';
import { bytesOfToken, type TokenCodec, tokenCodecOf } from './token-bytes.ts';

const MAX_JSON_CHARS = 64 << 20;
const ENCODE_TIMEOUT_MS = 20_000;
const utf8 = new TextEncoder();

function tokenizerError(message: string, cause?: unknown): ModelError {
  return new ModelError('ERR_MODEL_TOKENIZER', message, { cause });
}

function parseObject(json: string, file: string): JsonObject {
  if (json.length > MAX_JSON_CHARS) throw tokenizerError(`${file} is longer than ${MAX_JSON_CHARS} characters.`);
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch (cause) {
    throw tokenizerError(`${file} is not valid JSON.`, cause);
  }
  throw tokenizerError(`${file} is not a JSON object.`);
}

/** Text to token ids and back, for one model. Made by `openTokenizer`. */
export class Tokenizer {
  /** One more than the largest token id; the model's vocabulary may be padded beyond it. */
  readonly vocabSize: number;
  /** The `eos_token` of tokenizer_config.json; null when it names none. */
  readonly eosTokenId: number | null;
  readonly bosTokenId: number | null;
  /** A space at the start of a text is dropped when tokens become text. */
  readonly stripsLeadingSpace: boolean;
  /** False: only text completions are possible. */
  readonly hasChatTemplate: boolean;
  /** See `ChatTemplate.hasTools`. */
  readonly hasTools: boolean;
  readonly #inner: HuggingFaceTokenizer;
  readonly #template: ChatTemplate;
  readonly #codec: TokenCodec;
  readonly #tokens: Map<number, string>;
  readonly #added: ReadonlyMap<number, { readonly content: string; readonly special: boolean }>;

  constructor(tokenizerJson: JsonObject, tokenizerConfig: JsonObject) {
    this.#codec = tokenCodecOf(tokenizerJson);
    this.stripsLeadingSpace = this.#codec.stripsLeadingSpace;
    try {
      this.#inner = new HuggingFaceTokenizer(tokenizerJson, tokenizerConfig);
      this.#tokens = new Map([...this.#inner.get_vocab(true)].map(([token, id]) => [id, token]));
    } catch (cause) {
      throw tokenizerError('tokenizer.json cannot be used: it is incomplete or of an unsupported kind.', cause);
    }
    this.#added = this.#inner.get_added_tokens_decoder();
    this.vocabSize = [...this.#tokens.keys()].reduce((size, id) => Math.max(size, id + 1), 0);
    const idOf = (field: string) => {
      const text = specialTokenText(tokenizerConfig, field);
      return text === undefined ? null : (this.#inner.token_to_id(text) ?? null);
    };
    this.eosTokenId = idOf('eos_token');
    this.bosTokenId = idOf('bos_token');
    this.#template = new ChatTemplate(tokenizerConfig);
    this.hasChatTemplate = this.#template.exists;
    this.hasTools = this.#template.hasTools;
  }

  /**
   * Token ids of a text. Special tokens spelled in the text become special tokens, as in the reference.
   * @param options.addSpecialTokens let the tokenizer add what its post-processor prescribes (a BOS token, say); true
   *   by default, and to be false for text that a chat template rendered
   * @throws ModelError ERR_MODEL_TOKENIZER when the text has a part the vocabulary cannot express
   */
  encode(text: string, options: { addSpecialTokens?: boolean } = {}): number[] {
    let ids: number[];
    try {
      const encode = () => this.#inner.encode(text, { add_special_tokens: options.addSpecialTokens ?? true }).ids;
      ids = runWithDeadline(encode, ENCODE_TIMEOUT_MS);
    } catch (cause) {
      throw tokenizerError('The text cannot be split into tokens: shorten it.', cause);
    }
    if (!ids.every(Number.isSafeInteger)) throw tokenizerError('The text has a part that no token can express.');
    return ids;
  }

  /** Text of a token sequence: exactly what a stream decoder gives in pieces. Ids of no token are skipped. */
  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): string {
    const decoder = this.streamDecoder(options);
    return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
  }

  /** The bytes a token stands for; a token may hold a part of a code point. Empty for an id without a token. */
  tokenBytes(id: number): Uint8Array {
    const added = this.#added.get(id);
    if (added !== undefined) return utf8.encode(added.content);
    const token = this.#tokens.get(id);
    return token === undefined ? new Uint8Array(0) : bytesOfToken(token, this.#codec);
  }

  /** Special tokens steer the model and are no part of an answer's text. */
  isSpecial(id: number): boolean {
    return this.#added.get(id)?.special ?? false;
  }

  tokenId(token: string): number | null {
    return this.#inner.token_to_id(token) ?? null;
  }

  streamDecoder(options: { skipSpecial?: boolean } = {}): StreamDecoder {
    const text = {
      tokenBytes: (id: number) => this.tokenBytes(id),
      isSpecial: (id: number) => this.isSpecial(id),
      stripsLeadingSpace: this.#codec.stripsLeadingSpace,
    };
    return new StreamDecoder(text, options);
  }

  /** See `ChatTemplate.render`. */
  applyChatTemplate(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    return this.#template.render(messages, options);
  }

  /**
   * Token ids of a rendered conversation; the template itself supplies the special tokens.
   * @param finish what is to be split, of the rendered text; or throws when it is not to be
   * @throws what `applyChatTemplate`, `finish` and `encode` throw
   */
  encodeChat(
    messages: readonly ChatMessage[],
    options: ChatTemplateOptions = {},
    finish: (rendered: string) => string = (rendered) => rendered,
  ): number[] {
    const encode = () => this.encode(finish(this.applyChatTemplate(messages, options)), { addSpecialTokens: false });
    try {
      return runWithDeadline(encode, ENCODE_TIMEOUT_MS);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause;
      throw tokenizerError('The conversation cannot be split into tokens: shorten it.', cause);
    }
  }
}

/**
 * Opens a tokeniser from the texts of tokenizer.json and tokenizer_config.json (`{}` will do for the latter).
 * @throws ModelError ERR_MODEL_TOKENIZER when they are not usable
 */
export function openTokenizer(tokenizerJson: string, tokenizerConfigJson: string): Tokenizer {
  return new Tokenizer(
    parseObject(tokenizerJson, 'tokenizer.json'),
    parseObject(tokenizerConfigJson, 'tokenizer_config.json'),
  );
}
