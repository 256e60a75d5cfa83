import { Template } from '@huggingface/jinja';
import { runWithDeadline } from './deadline.ts';
import { ModelError } from './errors.ts';
import type { JsonObject } from './hf-defaults.ts';
import { TOOL_CALL_OPEN, type ToolSpec } from './tool-calls.ts';

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
  /** Only for a template that has tools. */
  readonly tools?: readonly ToolSpec[];
}

const MAX_TEMPLATE_CHARS = 1 << 20;
const RENDER_TIMEOUT_MS = 5_000;

function templateError(message: string, cause?: unknown): ModelError {
  return new ModelError('ERR_MODEL_TEMPLATE', message, { cause });
}

/** The template's source: a string, or the entry of that name of a list. Null when the model has none. */
function templateSource(config: JsonObject, name: 'default' | 'tool_use'): string | null {
  const { chat_template: template } = config;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return null;
  const entry = template.find((item) => (item as JsonObject | null)?.name === name) as JsonObject | undefined;
  if (entry === undefined && name === 'tool_use') return templateSource(config, 'default');
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
  /** By their source. */
  readonly #templates = new Map<string, Template>();

  constructor(tokenizerConfig: JsonObject) {
    this.#config = tokenizerConfig;
  }

  get exists(): boolean {
    return templateSource(this.#config, 'default') !== null;
  }

  /**
   * Whether the template takes tools and makes the model call them in the way that `ToolCallReader` reads. Other models
   * call in other ways: their answers would be taken for text.
   */
  get hasTools(): boolean {
    const source = templateSource(this.#config, 'tool_use') ?? '';
    const isKnown = source.includes(TOOL_CALL_OPEN) && source.includes('arguments') && !source.includes('<function=');
    return isKnown && /\btools\b/.test(source);
  }

  /**
   * The prompt as text. What a user typed goes in unescaped, as in the reference: special tokens spelled in a message
   * become special tokens.
   * @throws ModelError ERR_MODEL_TEMPLATE: no template, a template that does not parse, or one that refuses the messages
   */
  render(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    const { tools } = options;
    const template = this.#parse(tools === undefined ? 'default' : 'tool_use');
    const variables: Record<string, unknown> = {
      messages: messages.map((message) => ({
        ...message,
        role: message.role === 'developer' ? 'system' : message.role,
        content: message.content ?? '',
      })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
      ...(tools && { tools }),
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

  #parse(name: 'default' | 'tool_use'): Template {
    const source = templateSource(this.#config, name);
    if (source === null) {
      throw templateError('The model has no chat template: use a text completion instead of a chat completion.');
    }
    if (source.length > MAX_TEMPLATE_CHARS) {
      throw templateError(`The model's chat template is longer than ${MAX_TEMPLATE_CHARS} characters.`);
    }
    const known = this.#templates.get(source);
    if (known) return known;
    try {
      const template = runWithDeadline(() => new Template(source), RENDER_TIMEOUT_MS);
      this.#templates.set(source, template);
      return template;
    } catch (cause) {
      throw templateError("The model's chat template cannot be parsed: import a corrected model.", cause);
    }
  }
}
