import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { installedPath } from '../../installation.ts';
import type { CommandHandler } from '../command.ts';

/** Runs the benchmark program of the repository with these arguments, in a process of its own so that nothing of ours is measured. */
export const bench: CommandHandler = async (context, input) => {
  const program = await installedPath('scripts/bench/main.ts');
  const args = input.args.filter((arg) => arg !== undefined);
  const child = spawn(context.execPath, [program, ...args], { stdio: 'inherit', cwd: context.cwd });
  const forward = () => child.kill('SIGTERM');
  context.signal.addEventListener('abort', forward, { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};
