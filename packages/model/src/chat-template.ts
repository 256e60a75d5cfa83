import { Template } from '@huggingface/jinja';
import { runWithDeadline } from './deadline.ts';
import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';

export interface ChatMessage {
  /** `developer` is rendered as `system`. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly content: string | null;
  /** Further fields (`name`, `tool_calls`, `tool_call_id`) are passed to the template as they are. */
  readonly [field: string]: unknown;
}

export interface ChatTemplateOptions {
  /** End with the header of an assistant turn; true by default. */
  readonly addGenerationPrompt?: boolean;
}

const MAX_TEMPLATE_CHARS = 1 << 20;
const RENDER_TIMEOUT_MS = 5_000;

function templateError(message: string, cause?: unknown): ModelError {
  return new ModelError('ERR_MODEL_TEMPLATE', message, { cause });
}

/** The template's source: a string, or the entry called `default` of a list. Null when the model has none. */
function templateSource(config: JsonObject): string | null {
  const { chat_template: template } = config;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return null;
  const entry = template.find((item) => (item as JsonObject | null)?.name === 'default') as JsonObject | undefined;
  return typeof entry?.template === 'string' ? entry.template : null;
}

/** `bos_token` and its like: a string, or an added-token object with its text in `content`. */
export function specialTokenText(config: JsonObject, field: string): string | undefined {
  const value = config[field];
  if (typeof value === 'string') return value;
  const content = (value as JsonObject | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

/** Renders conversations with the Jinja template of a tokenizer_config.json; parses it on first use. */
export class ChatTemplate {
  readonly #config: JsonObject;
  #template: Template | undefined;

  constructor(tokenizerConfig: JsonObject) {
    this.#config = tokenizerConfig;
  }

  get exists(): boolean {
    return templateSource(this.#config) !== null;
  }

  /**
   * The prompt as text. What a user typed goes in unescaped, as in the reference: special tokens spelled in a message
   * become special tokens.
   * @throws ModelError ERR_MODEL_TEMPLATE: no template, a template that does not parse, or one that refuses the messages
   */
  render(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    const template = this.#parse();
    const variables: Record<string, unknown> = {
      messages: messages.map((message) => ({
        ...message,
        role: message.role === 'developer' ? 'system' : message.role,
        content: message.content ?? '',
      })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    };
    for (const field of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
      const text = specialTokenText(this.#config, field);
      if (text !== undefined) variables[field] = text;
    }
    try {
      return runWithDeadline(() => template.render(variables), RENDER_TIMEOUT_MS);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.slice(0, 500) : 'unknown reason';
      throw templateError(`The model's chat template refuses these messages: ${reason}`, cause);
    }
  }

  #parse(): Template {
    if (this.#template !== undefined) return this.#template;
    const source = templateSource(this.#config);
    if (source === null) {
      throw templateError('The model has no chat template: use a text completion instead of a chat completion.');
    }
    if (source.length > MAX_TEMPLATE_CHARS) {
      throw templateError(`The model's chat template is longer than ${MAX_TEMPLATE_CHARS} characters.`);
    }
    try {
      this.#template = runWithDeadline(() => new Template(source), RENDER_TIMEOUT_MS);
    } catch (cause) {
      throw templateError("The model's chat template cannot be parsed: import a corrected model.", cause);
    }
    return this.#template;
  }
}
