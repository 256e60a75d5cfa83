import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE = fileURLToPath(new URL('./node.ts', import.meta.url));
const AFTER = fileURLToPath(new URL('./after-full.ts', import.meta.url));

export interface DiskFullReport {
  /** A disk in memory that is really full, or a limit on the size of files where mounting is not allowed. */
  readonly how: 'full disk' | 'file size limit';
  /** What the store said. */
  readonly code: string | null;
  readonly acknowledged: number;
  readonly problems: readonly string[];
}

/** A node writes until its disk is full: it stops, acknowledges nothing after that, and has everything when there is room again. */
export async function fillDisk(workDir: string, signal: AbortSignal): Promise<DiskFullReport> {
  const mounts = await run(['unshare', '-rm', 'true'], signal);
  const how = mounts.code === 0 ? 'full disk' : 'file size limit';
  const [dir, heard] = [join(workDir, 'full'), join(workDir, 'heard')];
  // Arguments of the shell: directory, file for what the node says, runtime, the node, the check.
  const script =
    how === 'full disk'
      ? 'mkdir -p "$0"; mount -t tmpfs -o size=6m none "$0"; "$2" "$3" "$0/chain" > "$1"; mount -o remount,size=64m "$0"; "$2" "$4" "$0/chain" "$1"'
      : 'mkdir -p "$0"; (ulimit -f 400; "$2" "$3" "$0/chain" | cat > "$1"); "$2" "$4" "$0/chain" "$1"';
  const shell = ['sh', '-c', script, dir, heard, process.execPath, NODE, AFTER];
  const { output } = await run(how === 'full disk' ? ['unshare', '-rm', ...shell] : shell, signal);
  const lines = (await readFile(heard, 'utf8')).trim().split('\n');
  const stop = lines.findIndex((line) => line.startsWith('!'));
  const problems = output.trim() === '' ? [] : output.trim().split('\n');
  if (stop < 0) problems.push('the node did not say that its disk is full');
  if (stop >= 0 && stop !== lines.length - 1) problems.push('it acknowledged something after its disk was full');
  return { how, code: stop < 0 ? null : (lines[stop] as string).slice(1), acknowledged: Math.max(0, stop), problems };
}

function run([command = '', ...args]: string[], signal: AbortSignal): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.once('error', () => resolve({ code: null, output }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
