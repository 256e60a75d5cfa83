import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { ApiClient } from '@blyan/api';
import { usageError } from '../../errors.ts';
import type { CommandHandler, CommandInput } from '../command.ts';
import type { CliContext } from '../context.ts';
import { cookieFetch } from '../cookie-fetch.ts';
import { keepCredential } from '../credentials.ts';
import { findGateway } from '../find-gateway.ts';
import { print, printJson, say } from '../output.ts';

const KEY = /^bly_sk_[\w-]{43}$/;
const MAX_LINE = 16 * 1024;

/** Keeps an API key for a gateway: one that was made on its page, or one made now by a wallet that signs. */
export const login: CommandHandler = async (context, input) => {
  const baseUrl = await findGateway(context, input);
  const { address } = input.options;
  const key =
    typeof address === 'string' ? await keyOfWallet(context, input, baseUrl) : await pastedKey(context, baseUrl);
  // Asks the gateway, so that a mistyped key is not kept.
  await new ApiClient({ baseUrl, apiKeyOf: () => key }).models(context.signal);
  await keepCredential(context, baseUrl, key);
  if (input.options.json === true) return printJson(context, { gateway: baseUrl });
  print(context, `logged in at ${baseUrl}`);
};

async function pastedKey(context: CliContext, baseUrl: string): Promise<string> {
  say(context, `Paste an API key of ${baseUrl} (bly_sk_…; its page makes them), or sign with --address 0x….`);
  const line = await readLine(context);
  if (!KEY.test(line)) throw usageError('That is no API key: it has bly_sk_ and 43 characters.');
  return line;
}

async function keyOfWallet(context: CliContext, { options }: CommandInput, baseUrl: string): Promise<string> {
  const chainId = Number(options.chain ?? 1);
  if (!Number.isSafeInteger(chainId)) throw usageError('--chain: write the id of the chain, as 1.');
  const { auth } = new ApiClient({ baseUrl, fetch: cookieFetch() });
  const { message } = await auth.challenge(String(options.address), chainId, context.signal);
  say(
    context,
    'Sign this message with your wallet (personal_sign, as `cast wallet sign` does) and paste the signature:\n',
  );
  // On stdout alone, so that it can be piped to what signs.
  print(context, message);
  const signature = await readLine(context);
  await auth.verify(message, signature, context.signal);
  try {
    const name = String(options.name ?? `${hostname()} (terminal)`).slice(0, 64);
    return (await auth.createKey({ name, scopes: ['inference', 'account'], expiresInDays: null }, context.signal)).key;
  } finally {
    await auth.logout(context.signal);
  }
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
