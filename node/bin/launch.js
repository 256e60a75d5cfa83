// Plain JavaScript that any Node can parse: it finds a Node new enough for the program and hands over to it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';

const MINIMUM_MAJOR = 24;
/**
 * Weights of quantised models are copied to memory, and in pages of 2 MiB instead of 4 KiB they are read faster: a token
 * takes 14 % less processor time. glibc asks for such pages only when it is told at the start of a process, and for its
 * first arena only; other systems do not look at this. Who sets the variable himself is left alone.
 */
const LARGE_PAGES = 'glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1';
const here = dirname(fileURLToPath(import.meta.url));

/**
 * Runs a program of this package in this process, or in that of a Node that is new enough.
 *
 * @param name of the program, and of its file in this folder
 * @param main of `src`, without its ending
 * @param computing the commands that compute
 */
export async function launch(name, main, computing = []) {
  if (Number(process.versions.node.split('.')[0]) >= MINIMUM_MAJOR) {
    useLargePages(computing);
    // Compiling the program takes half of a start's processor time; where the folder cannot be written, nothing is kept.
    const compiled = join(here, '..', '..', 'node_modules', '.cache', 'blyan-node');
    module.enableCompileCache(compiled);
    // Of the threads that compute only those told so use it; each starts in a third of the time.
    process.env.NODE_COMPILE_CACHE ??= compiled;
    await import(existsSync(join(here, '..', 'src', `${main}.ts`)) ? `../src/${main}.ts` : `../dist/${main}.js`);
    return;
  }
  const runtime = process.env.BLYAN_HANDED_OVER === '1' ? null : pinnedNode();
  if (runtime !== null) return handOver(name, runtime);
  process.stderr.write(
    `${name}: Node ${MINIMUM_MAJOR} or newer is needed, this is ${process.versions.node}, and the runtime that ` +
      'comes with the installation was not found. Run `npm ci` in the repository, or install Node 24.\n',
  );
  process.exitCode = 1;
}

/** The runtime that `npm install` brought with the `node` package, looked up like any module. */
function pinnedNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(candidate)) return candidate;
    if (folder === parse(folder).root) return null;
  }
}

function handOver(name, runtime) {
  // The IPC channel tells the program that this process is gone, even when it was killed.
  const child = spawn(runtime, [join(here, `${name}.js`), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { GLIBC_TUNABLES: LARGE_PAGES, ...process.env, BLYAN_HANDED_OVER: '1' },
  });
  child.on('error', (error) => {
    process.stderr.write(`${name}: the Node at ${runtime} does not start (${error.message}). Run \`npm ci\` again.\n`);
    process.exitCode = 1;
  });
  // A terminal sends Ctrl-C to the program too, which treats its second SIGINT as "at once": so the first one is passed on as SIGTERM.
  let interrupts = 0;
  process.on('SIGINT', () => child.kill(interrupts++ === 0 ? 'SIGTERM' : 'SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

/** Becomes the same program with large pages, unless it has them; a channel to a parent would not survive that. */
function useLargePages(computing) {
  const { env, platform, execPath, execArgv, argv } = process;
  if (platform !== 'linux' || env.GLIBC_TUNABLES !== undefined || process.channel || !computing.includes(argv[2]))
    return;
  process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, GLIBC_TUNABLES: LARGE_PAGES });
}
