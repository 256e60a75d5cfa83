import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '@blyan/interface';
import envPaths from 'env-paths';
import { z } from 'zod';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { NodeError } from '../errors.ts';
import type { CliContext } from './context.ts';

const MAX_GATEWAYS = 256;
const credentials = z.object({
  gateways: z.record(z.url().max(256), z.string().regex(/^bly_sk_[\w-]{43}$/)),
});
export type Credentials = Readonly<Record<string, string>>;

/** Where API keys of gateways are kept: `BLYAN_CREDENTIALS`, or the user's configuration folder. */
export function credentialsPath({ env }: CliContext): string {
  return env.BLYAN_CREDENTIALS ?? join(envPaths('blyan', { suffix: '' }).config, 'credentials.json');
}

/**
 * API keys by the origin of their gateway.
 * @throws ERR_NODE_CREDENTIALS when the file is not ours
 */
export async function readCredentials(context: CliContext): Promise<Credentials> {
  const path = credentialsPath(context);
  try {
    return credentials.parse(JSON.parse(await readFile(path, 'utf8'))).gateways;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return {};
    const message = `The API keys in ${path} cannot be read: remove the file and log in again.`;
    throw new NodeError('ERR_NODE_CREDENTIALS', message, { kind: 'caller', cause });
  }
}

/**
 * Keeps the key of a gateway in a file that only this user can read; null forgets it.
 * @throws ERR_NODE_CREDENTIALS
 */
export async function keepCredential(context: CliContext, baseUrl: string, key: string | null): Promise<void> {
  const { [originOf(baseUrl)]: _before, ...others } = await readCredentials(context);
  const gateways = key === null ? others : { ...others, [originOf(baseUrl)]: key };
  if (Object.keys(gateways).length > MAX_GATEWAYS) {
    const message = `Keys of ${MAX_GATEWAYS} gateways are kept already: log out of one.`;
    throw new NodeError('ERR_NODE_CREDENTIALS', message, { kind: 'caller' });
  }
  const path = credentialsPath(context);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(path, `${JSON.stringify({ gateways }, null, 2)}\n`, 0o600);
  } catch (cause) {
    const message = `The API key cannot be written to ${path} (${errorCode(cause)}): name another file with BLYAN_CREDENTIALS.`;
    throw new NodeError('ERR_NODE_CREDENTIALS', message, { kind: 'caller', cause });
  }
}

/** `BLYAN_API_KEY`, or the key kept for the gateway; undefined: none. */
export async function apiKeyFor(context: CliContext): Promise<(baseUrl: string) => string | undefined> {
  const given = context.env.BLYAN_API_KEY;
  if (given !== undefined && given !== '') return () => given;
  const kept = await readCredentials(context);
  return (baseUrl) => kept[originOf(baseUrl)];
}

function originOf(baseUrl: string): string {
  return new URL(baseUrl).origin;
}
