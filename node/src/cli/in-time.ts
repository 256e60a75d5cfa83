import { NodeError } from '../errors.ts';
import type { CliContext } from './context.ts';

const ANSWER_WITHIN_MS = 10_000;

/** For questions to a gateway: aborts with the command, or with ERR_NODE_GATEWAY when no answer has come in time. */
export function inTime({ signal }: Pick<CliContext, 'signal'>, withinMs = ANSWER_WITHIN_MS): AbortSignal {
  const late = new AbortController();
  const message = `The gateway did not answer within ${withinMs / 1000} s: look at its log, or name another one with --gateway.`;
  setTimeout(() => late.abort(new NodeError('ERR_NODE_GATEWAY', message, { kind: 'peer' })), withinMs).unref();
  return AbortSignal.any([signal, late.signal]);
}
