/** A function that a model may call, as chat templates take it. */
export interface ToolSpec {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    /** JSON Schema of the arguments. */
    readonly parameters?: object | undefined;
  };
}

export interface ToolCall {
  readonly name: string;
  /** A JSON object, as text. */
  readonly arguments: string;
}

export interface ReadText {
  /** Text of the answer that is no call. */
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** UTF-16 units of what was pushed that nothing is waited for any more, from the beginning. */
  readonly released: number;
}

/** How a call begins; a model that must call is made to by putting it before the answer. */
export const TOOL_CALL_OPEN = '<tool_call>';
const CLOSE = '</tool_call>';

/**
 * Takes calls out of an answer as it comes, of models that write `<tool_call>{"name": …, "arguments": {…}}</tool_call>`
 * (Hermes, Qwen). What is between these marks and is no call of a tool that there is, is text.
 */
export class ToolCallReader {
  readonly #names: ReadonlySet<string>;
  #held = '';
  #isInside = false;
  /** Blanks around calls are no text. */
  #skipsBlanks = false;
  #released = 0;

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  push(piece: string): ReadText {
    this.#held += piece;
    let text = '';
    const calls: ToolCall[] = [];
    for (;;) {
      const mark = this.#isInside ? CLOSE : TOOL_CALL_OPEN;
      const at = this.#held.indexOf(mark, this.#isInside ? TOOL_CALL_OPEN.length : 0);
      if (at < 0) break;
      if (this.#isInside) {
        const end = at + CLOSE.length;
        const call = readCall(this.#held.slice(TOOL_CALL_OPEN.length, at), this.#names);
        if (call) calls.push(call);
        const passed = this.#take(end);
        if (!call) text += this.#shown(passed);
        else this.#skipsBlanks = true;
      } else text += this.#shown(this.#take(at));
      this.#isInside = !this.#isInside;
    }
    if (!this.#isInside) text += this.#shown(this.#take(this.#held.length - beginning(this.#held)));
    return { text, calls, released: this.#released };
  }

  /** The rest: a call that was not closed is text. */
  flush(): ReadText {
    this.#isInside = false;
    const text = this.#shown(this.#take(this.#held.length));
    return { text, calls: [], released: this.#released };
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    this.#released += length;
    return taken;
  }

  #shown(text: string): string {
    const shown = this.#skipsBlanks ? text.trimStart() : text;
    if (shown !== '') this.#skipsBlanks = false;
    return shown;
  }
}

/** A call as a model writes it, or null: no JSON, no tool that there is, or no object of arguments. */
export function readCall(text: string, names: ReadonlySet<string>): ToolCall | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { name, arguments: given = {} } = (value ?? {}) as { name?: unknown; arguments?: unknown };
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (typeof name !== 'string' || !names.has(name) || !isObject) return null;
  return { name, arguments: JSON.stringify(given) };
}

/** The schema of the one call that a model is made to write behind the opening mark. */
export function callSchema(tools: readonly ToolSpec[]): object {
  const calls = tools.map(({ function: { name } }, index) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: { $ref: `#/$defs/${index}` } },
    required: ['name', 'arguments'],
    additionalProperties: false,
  }));
  const schemas = tools.map((tool, index) => moved(tool.function.parameters ?? { type: 'object' }, `#/$defs/${index}`));
  return { anyOf: calls, $defs: { ...schemas } };
}

/** A schema whose references to itself are good from another root. */
function moved(schema: unknown, root: string): unknown {
  if (Array.isArray(schema)) return schema.map((part) => moved(part, root));
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.entries(schema).map(([key, part]) => {
    const isReference = key === '$ref' && typeof part === 'string' && part.startsWith('#');
    return [key, isReference ? root + part.slice(1) : moved(part, root)] as const;
  });
  return Object.fromEntries(parts);
}

/** UTF-16 units at the end of a text with which a mark may begin. */
function beginning(text: string): number {
  for (let length = Math.min(text.length, TOOL_CALL_OPEN.length - 1); length > 0; length--) {
    if (text.endsWith(TOOL_CALL_OPEN.slice(0, length))) return length;
  }
  return 0;
}
