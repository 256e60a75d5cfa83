import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { restartable, ServerProcess } from './server-process.ts';

const path = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => existsSync(file));

/** Whether there is a Redis to start. */
export const hasRedis = path !== undefined;

export interface RedisServer extends AsyncDisposable {
  /** With the password, unencrypted. */
  readonly url: string;
  /** The same over TLS. */
  readonly tlsUrl: string;
  readonly password: string;
  /** PEM of the authority that signed its certificate. */
  readonly caPath: string;
  stop(): Promise<void>;
  /** Where it was before, with what it had. */
  start(): Promise<void>;
}

/** A Redis of one's own in a temporary folder, which keeps what it has (append-only file, synced). */
export async function startRedis(): Promise<RedisServer> {
  if (path === undefined) throw new Error('There is no Redis here: apt-get install redis-server.');
  const binary = path;
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory('blyan-redis-'));
  const { cert, key } = await makeCertificate(home.path);
  const password = 'correct-horse';
  const [port, tlsPort] = [await freePort(), await freePort()];
  const settings = {
    bind: '127.0.0.1',
    port,
    'tls-port': tlsPort,
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-auth-clients': 'no',
    requirepass: password,
    dir: home.path,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const ready = /Ready to accept connections/;
  const launch = () => ServerProcess.start({ path: binary, args, ready, stopSignal: 'SIGKILL' });
  return {
    ...(await restartable(stack, launch)),
    url: `redis://:${password}@127.0.0.1:${port}`,
    tlsUrl: `rediss://:${password}@localhost:${tlsPort}`,
    password,
    caPath: cert,
  };
}
