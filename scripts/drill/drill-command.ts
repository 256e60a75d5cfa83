/**
 * Runs a drill as a command: its options, its help, and a signal that is aborted when it is told to stop. Exit code 2
 * for options that are none, otherwise what `run` returns.
 */
export async function drillCommand<Options extends { readonly help: boolean }>(
  parse: (args: string[]) => Options,
  usage: string,
  run: (options: Options, signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(new Error(signal)));
  }
  let options: Options;
  try {
    options = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  process.exitCode = await run(options, stopping.signal);
}
