import { CommanderError } from 'commander';
import type { CommandInput, CommandSpec } from './command.ts';
import type { CliContext } from './context.ts';
import { describeError, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, exitCodeOf } from './exit-code.ts';
import { say } from './output.ts';
import { buildProgram, type ProgramSpec } from './program.ts';

/** Whether the error, or what it was made from, is the abort itself. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause === signal.reason || cause.name === 'AbortError') return true;
  }
  return false;
}

const ASKED_FOR = new Set(['commander.helpDisplayed', 'commander.version']);

/** Parses the arguments, runs the command and returns the exit code: 0 ok, 1 error, 2 usage, 130 interrupted. */
export async function runCli(context: CliContext, spec: ProgramSpec): Promise<number> {
  let chosen: { spec: CommandSpec; input: CommandInput } | undefined;
  const program = buildProgram(spec, context, (command, input) => {
    chosen = { spec: command, input };
  });
  try {
    program.parse(context.argv as string[], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return ASKED_FOR.has(error.code) ? EXIT_OK : EXIT_USAGE;
  }
  if (chosen?.spec.load === undefined) return EXIT_USAGE;
  try {
    const handler = await chosen.spec.load();
    const result = await handler(context, chosen.input);
    return typeof result === 'number' ? result : EXIT_OK;
  } catch (error) {
    if (isInterruption(error, context.signal)) {
      say(context, 'interrupted');
      return EXIT_INTERRUPTED;
    }
    say(context, describeError(error, context.env.BLYAN_LOG_LEVEL === 'debug'));
    return exitCodeOf(error);
  }
}
