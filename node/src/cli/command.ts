import type { CliContext } from './context.ts';

export interface OptionSpec {
  /** As commander reads it: `--dtype <dtype>`. */
  readonly flags: string;
  readonly help: string;
  /** May be given several times; the handler sees an array. */
  readonly repeat?: boolean;
  readonly choices?: readonly string[];
}

export interface ArgumentSpec {
  /** `<required>`, `[optional]` or `[several...]`. */
  readonly name: string;
  readonly help: string;
}

/** What was typed, after the parser accepted it. */
export interface CommandInput {
  /** In the order of the command's arguments; undefined for an optional one left out. */
  readonly args: readonly (string | undefined)[];
  /** Only options that were given, by camel-case name: string, boolean, or array for repeated ones. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Does the work; a number it settles with is the exit code, anything else means 0. */
export type CommandHandler = (context: CliContext, input: CommandInput) => Promise<unknown>;

/** One command as data. Its handler is loaded only when it is called, so that `version` does not load the engine. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  /** Keys of the settings table whose flags this command has. */
  readonly settings?: readonly string[];
  readonly options?: readonly OptionSpec[];
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandSpec[];
  /** Everything after the name is handed on as it is. */
  readonly passThrough?: boolean;
  readonly load?: () => Promise<CommandHandler>;
}

export const JSON_OPTION: OptionSpec = { flags: '--json', help: 'print data as JSON' };
export const CONFIG_OPTION: OptionSpec = {
  flags: '--config <file>',
  help: 'TOML file with the same names as the flags',
};
export const GATEWAY_URL_OPTION: OptionSpec = {
  flags: '--gateway <url>',
  help: 'gateway to ask (default: the node running on the data folder, or the devnet of this folder)',
};
