import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import type { CommandInput } from './command.ts';
import type { CliContext } from './context.ts';

/** The configuration as this command's flags, the environment and the files give it. */
export function loadCommandConfig(context: CliContext, input: CommandInput): Promise<LoadedConfig> {
  return loadConfig({ flags: input.options, env: context.env, cwd: context.cwd });
}
