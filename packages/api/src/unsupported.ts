import type { ParsedChatCompletionRequest } from './chat-request.ts';
import type { ParsedCompletionRequest } from './completion-request.ts';
import { isUnknownChoice } from './tools.ts';

export interface Unsupported {
  /** Dotted path of the field. */
  readonly param: string;
  /** A sentence that says what is not there and what works instead. */
  readonly message: string;
}

type Common = Pick<ParsedChatCompletionRequest, 'n' | 'presence_penalty' | 'frequency_penalty' | 'logit_bias'>;

const no = (param: string, message: string): Unsupported => ({ param, message });

/** The first thing asked for that would change the answer and is not implemented, or null: nothing is dropped silently. */
export function findUnsupportedInChat(request: ParsedChatCompletionRequest): Unsupported | null {
  if (request.functions?.length) return no('functions', 'Functions are not supported: send them as "tools".');
  const unknown = unknownChoice(request);
  if (unknown) return unknown;
  if (request.modalities?.some((modality) => modality !== 'text')) {
    return no('modalities', 'Only the modality "text" is supported.');
  }
  if (request.audio !== undefined) return no('audio', 'Audio is not supported; leave "audio" out.');
  return findUnsupportedPart(request) ?? findUnsupportedCommon(request);
}

export function findUnsupportedInCompletion(request: ParsedCompletionRequest): Unsupported | null {
  if (request.echo === true) return no('echo', 'Echoing the prompt is not supported; leave "echo" out.');
  if (request.suffix) return no('suffix', 'Inserting before a suffix is not supported; leave "suffix" out.');
  if ((request.best_of ?? 1) > 1)
    return no('best_of', 'Only "best_of": 1 is supported; send the request several times.');
  return findUnsupportedCommon(request);
}

function unknownChoice({ tools = [], tool_choice: choice }: ParsedChatCompletionRequest): Unsupported | null {
  const wanted = typeof choice === 'object' ? choice.function : (choice ?? 'auto');
  if (
    !isUnknownChoice(
      tools.map((tool) => tool.function),
      wanted,
    )
  )
    return null;
  return no('tool_choice', '"tool_choice" asks for a tool that is not among "tools".');
}

function findUnsupportedPart(request: ParsedChatCompletionRequest): Unsupported | null {
  for (const [index, message] of request.messages.entries()) {
    if (typeof message.content !== 'object') continue;
    const part = message.content.findIndex(({ type }) => type !== 'text');
    if (part === -1) continue;
    return no(`messages.${index}.content.${part}`, 'Only content parts of type "text" are supported.');
  }
  return null;
}

function findUnsupportedCommon(request: Common): Unsupported | null {
  if ((request.n ?? 1) > 1) return no('n', 'Only "n": 1 is supported; send the request several times.');
  if (request.presence_penalty) return no('presence_penalty', 'Penalties are not supported; use 0 or leave it out.');
  if (request.frequency_penalty) return no('frequency_penalty', 'Penalties are not supported; use 0 or leave it out.');
  if (request.logit_bias && Object.keys(request.logit_bias).length > 0) {
    return no('logit_bias', 'A logit bias is not supported; leave "logit_bias" out.');
  }
  return null;
}
