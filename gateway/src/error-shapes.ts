import type { ApiErrorBody } from '@blyan/api';
import { messagesError } from './formats/messages-format.ts';
import type { HttpError } from './http-errors.ts';

const OLLAMA = /^\/api\/(chat|generate|show|tags|ps|version)\b/;

/** The body of an error as the clients of a path read it. */
export function errorBody(url: string, { status, body }: HttpError): object {
  if (url.startsWith('/v1/messages')) return messagesError(body, status);
  if (isOllama(url)) return { error: body.error.message };
  return body satisfies ApiErrorBody;
}

/** Whether a path is one of Ollama's. */
export function isOllama(url: string): boolean {
  return OLLAMA.test(url);
}
