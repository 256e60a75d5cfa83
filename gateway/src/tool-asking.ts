import type { AskedFormat, AskedTools } from '@blyan/api';
import { type ChatMessage, callSchema, TOOL_CALL_OPEN, type Tokenizer } from '@blyan/model';
import { GatewayError } from './errors.ts';
import { heldTo } from './held-to.ts';

/** How an answer's calls are read. */
export interface ToolReading {
  readonly names: readonly string[];
  /** The answer is one call, whose opening mark is in the prompt. */
  readonly isForced: boolean;
  readonly isParallel: boolean;
}

/** What asking for tools makes of a request. */
export interface ToolAsking {
  readonly reading: ToolReading | undefined;
  /** What a call that the model must make is held to. */
  readonly format: AskedFormat | null;
  /** Goes behind the rendered conversation. */
  readonly suffix: string;
}

const NONE: ToolAsking = { reading: undefined, format: null, suffix: '' };

/**
 * Tools are for models whose chat template has them. A call that must be made is held to the schemas of the tools; of one
 * that may be made the model writes what it likes.
 *
 * @throws GatewayError ERR_GATEWAY_TOOLS_UNSUPPORTED, ERR_GATEWAY_UNSUPPORTED; GrammarError see `heldTo`
 */
export function askForTools(
  asked: AskedTools | null,
  format: AskedFormat | null,
  messages: readonly ChatMessage[],
  { tokenizer, param }: { readonly tokenizer: Tokenizer /** Of the messages. */; readonly param: string },
): ToolAsking {
  if (!tokenizer.hasTools) refuse(asked, messages, param);
  if (asked === null) return NONE;
  if (format !== null) {
    const message = 'An answer that is held to a format cannot call tools: leave out the one or the other.';
    throw new GatewayError('ERR_GATEWAY_UNSUPPORTED', message, { kind: 'caller', meta: { param: format.param } });
  }
  const { tools, choice, isParallel, schemaField } = asked;
  const names = tools.map((tool) => tool.function.name);
  if (choice === 'auto') return { ...NONE, reading: { names, isForced: false, isParallel } };
  const callable = tools.filter((tool) => choice.includes(tool.function.name));
  for (const [index, tool] of tools.entries()) {
    const { parameters } = tool.function;
    // By itself first, so that what is wrong is told by its place in the request.
    if (callable.includes(tool) && parameters) heldTo({ schema: parameters, param: `tools.${index}.${schemaField}` });
  }
  const schema = callSchema(callable);
  const reading = { names, isForced: true, isParallel: false };
  return { reading, format: { schema, param: 'tools' }, suffix: `${TOOL_CALL_OPEN}\n` };
}

function refuse(asked: AskedTools | null, messages: readonly ChatMessage[], param: string): void {
  const isAboutTools = messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls !== undefined);
  if (asked === null && !isAboutTools) return;
  const message = 'Tools are not supported by this model: its chat template has none that can be read here.';
  const meta = { param: asked ? 'tools' : param };
  throw new GatewayError('ERR_GATEWAY_TOOLS_UNSUPPORTED', message, { kind: 'caller', meta });
}
