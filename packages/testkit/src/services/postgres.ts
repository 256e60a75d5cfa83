import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { restartable, ServerProcess } from './server-process.ts';

const run = promisify(execFile);

const USER = 'blyan';
/** PostgreSQL refuses to be root. */
const NOBODY = 65_534;

const binaries = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
];
const folder = binaries.find((path) => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')));

/** Whether there is a PostgreSQL to start. */
export const hasPostgres = folder !== undefined;

export interface PostgresServer extends AsyncDisposable {
  /** The database `postgres` through a Unix socket, as a superuser without a password. */
  readonly url: string;
  /** The same over TCP and TLS, without the password. */
  readonly tlsUrl: string;
  readonly password: string;
  /** PEM of the authority that signed its certificate. */
  readonly caPath: string;
  /** Ends it at once, as a power cut would end its connections. */
  stop(): Promise<void>;
  /** Where it was before. */
  start(): Promise<void>;
}

/** A PostgreSQL of one's own in a temporary folder, durable (`fsync` on), reached by nobody else. Some two seconds. */
export async function startPostgres(): Promise<PostgresServer> {
  if (folder === undefined) throw new Error('There is no PostgreSQL here: apt-get install postgresql.');
  const bin = folder;
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory('blyan-postgres-'));
  const uid = process.getuid?.() === 0 ? NOBODY : undefined;
  if (uid !== undefined) await chown(home.path, uid, uid);
  const data = join(home.path, 'data');
  const password = 'correct horse';
  const passwordFile = join(home.path, 'password');
  await writeFile(passwordFile, password);
  const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${passwordFile}`];
  const form = ['--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  await run(join(bin, 'initdb'), ['-D', data, '-U', USER, ...auth, ...form], { uid, gid: uid, cwd: '/' });
  const { cert, key } = await makeCertificate(home.path, uid);
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home.path,
    shared_buffers: '32MB',
    ssl: 'on',
    ssl_cert_file: cert,
    ssl_key_file: key,
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const ready = /ready to accept connections/;
  const launch = () => ServerProcess.start({ path: join(bin, 'postgres'), args, ready, stopSignal: 'SIGQUIT', uid });
  return {
    ...(await restartable(stack, launch)),
    url: `postgres://${USER}@${encodeURIComponent(home.path)}:${port}/postgres`,
    tlsUrl: `postgres://${USER}@localhost:${port}/postgres`,
    password,
    caPath: cert,
  };
}
