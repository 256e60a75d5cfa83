import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient, ApiClientError, type DeviceAnswer, USER_CODE_LENGTH } from '@blyan/api';
import { usageError } from '../../errors.ts';
import type { CommandHandler, CommandInput } from '../command.ts';
import type { CliContext } from '../context.ts';
import { keepCredential } from '../credentials.ts';
import { findGateway } from '../find-gateway.ts';
import { print, printable, printJson, say } from '../output.ts';

const KEY = /^bly_sk_[\w-]{43}$/;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const MAX_LINE = 16 * 1024;
const MAX_INTERVAL_SECONDS = 60;
const GOOD_MS = 10 * 60_000;

/** Keeps an API key for a gateway: one that a person approves at its page now, or one that was made there. */
export const login: CommandHandler = async (context, input) => {
  const baseUrl = await findGateway(context, input);
  const key =
    input.options.paste === true ? await pastedKey(context, baseUrl) : await approvedKey(context, input, baseUrl);
  // Asks the gateway, so that a mistyped key is not kept.
  await new ApiClient({ baseUrl, apiKeyOf: () => key }).models(context.signal);
  await keepCredential(context, baseUrl, key);
  if (input.options.json === true) return printJson(context, { gateway: baseUrl });
  print(context, `logged in at ${baseUrl}`);
};

async function pastedKey(context: CliContext, baseUrl: string): Promise<string> {
  say(context, `Paste an API key of ${baseUrl} (bly_sk_…; its page makes them).`);
  const { protocol, hostname: host } = new URL(baseUrl);
  if (protocol === 'http:' && !LOOPBACK.test(host))
    say(context, `Everybody on the way to ${printable(host)} can read it: name the gateway by its https address.`);
  const line = await readLine(context);
  if (!KEY.test(line)) throw usageError('That is no API key: it has bly_sk_ and 43 characters.');
  return line;
}

/** Shows a code, and waits until somebody who is signed in at the gateway's page enters and approves it. */
async function approvedKey(context: CliContext, { options }: CommandInput, baseUrl: string): Promise<string> {
  const { auth } = new ApiClient({ baseUrl });
  const { signal } = context;
  const name = String(options.name ?? `${hostname()} (terminal)`).slice(0, 64);
  const begun = await auth.beginDevice(name, ['inference', 'account'], signal);
  say(context, `Open ${printable(begun.verificationUri)}, sign in, and enter the code\n\n  ${shownCode(begun)}\n`);
  say(context, 'It is good for 10 minutes. Waiting for you there… (Ctrl-C gives up)');
  const intervalMs = Math.min(Math.max(1, begun.intervalSeconds), MAX_INTERVAL_SECONDS) * 1000;
  const until = performance.now() + GOOD_MS;
  for (;;) {
    await delay(intervalMs, undefined, { signal });
    try {
      const answer = await auth.deviceKey(begun.deviceCode, signal);
      if (answer.status === 'approved') return answer.key.key;
    } catch (error) {
      if (!mayPass(error) || performance.now() > until) throw error;
    }
  }
}

/** Of a question that is asked again anyway: nobody answered, or the gateway starts anew or has too much to do. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ApiClientError)) return false;
  const { status } = error.meta;
  return error.code !== 'ERR_API_REFUSED' || status === 429 || (typeof status === 'number' && status >= 500);
}

/** `BCDF-GHJK`. */
function shownCode({ userCode }: DeviceAnswer): string {
  const half = USER_CODE_LENGTH / 2;
  return `${printable(userCode.slice(0, half))}-${printable(userCode.slice(half))}`;
}

/** The first line of stdin. @throws ERR_NODE_USAGE when there is none */
async function readLine({ stdin, signal }: CliContext): Promise<string> {
  const lines = createInterface({ input: stdin, signal });
  try {
    for await (const line of lines) {
      if (line.trim() !== '' && line.length <= MAX_LINE) return line.trim();
    }
  } finally {
    lines.close();
  }
  signal.throwIfAborted();
  throw usageError('Nothing came on stdin.');
}
