import { Argument, Command, Option } from 'commander';
import { settingOf } from '../config/settings.ts';
import { VERSION } from '../version.ts';
import type { CommandInput, CommandSpec, OptionSpec } from './command.ts';
import type { CliContext } from './context.ts';

/** A program of its own: what its help says of it, and its commands in the order in which help lists them. */
export interface ProgramSpec {
  readonly name: string;
  readonly description: string;
  /** A command line without the program's name, and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly commands: readonly CommandSpec[];
}

/** Called with what the parser understood; the parser itself runs nothing. */
export type Dispatch = (spec: CommandSpec, input: CommandInput) => void;

const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.help);
  if (spec.choices !== undefined) option.choices(spec.choices);
  // biome-ignore lint/suspicious/noExplicitAny: commander types the previous value as unknown
  if (spec.repeat === true) option.argParser(collect as any);
  return option;
}

function optionsOf(spec: CommandSpec): OptionSpec[] {
  const settings = (spec.settings ?? []).map((key): OptionSpec => {
    const setting = settingOf(key);
    return { flags: setting.flags as string, help: setting.help, repeat: setting.form === 'list' };
  });
  return [...settings, ...(spec.options ?? [])];
}

/** Drops what the parser filled in, so that the configuration's own precedence decides. */
function typedOnly(command: Command): Record<string, unknown> {
  const typed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(command.opts())) {
    if (command.getOptionValueSource(name) === 'cli') typed[name] = value;
  }
  return typed;
}

function build(program: string, spec: CommandSpec, dispatch: Dispatch): Command {
  const command = new Command(spec.name)
    .enablePositionalOptions()
    .summary(spec.summary)
    .description(`${spec.summary}.`);
  if (spec.examples !== undefined) {
    command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  $ ${program} ${line}`).join('\n')}`);
  }
  for (const argument of spec.arguments ?? []) command.addArgument(new Argument(argument.name, argument.help));
  for (const option of optionsOf(spec)) command.addOption(optionOf(option));
  for (const child of spec.commands ?? []) command.addCommand(build(program, child, dispatch));
  if (spec.passThrough === true) command.allowUnknownOption().passThroughOptions().helpOption(false);
  if (spec.load !== undefined) {
    command.action((...received: unknown[]) => {
      const args = received.slice(0, -2).flat() as (string | undefined)[];
      dispatch(spec, { args, options: typedOnly(command) });
    });
  }
  return command;
}

/** The parser for all commands, writing its help and complaints to this context. */
export function buildProgram(spec: ProgramSpec, context: CliContext, dispatch: Dispatch): Command {
  const width = Math.max(...spec.examples.map(([line]) => line.length));
  const examples = spec.examples.map(([line, what]) => `  $ ${spec.name} ${line.padEnd(width)}  ${what}\n`).join('');
  const program = new Command(spec.name)
    .enablePositionalOptions()
    .version(VERSION, '-V, --version', 'print the version')
    .description(spec.description)
    .addHelpText(
      'after',
      `\nExamples:\n${examples}\nExit codes: 0 ok, 1 error, 2 wrong usage or configuration, 130 interrupted.`,
    );
  for (const command of spec.commands) program.addCommand(build(spec.name, command, dispatch));
  const configure = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
    for (const child of command.commands) configure(child);
  };
  configure(program);
  return program;
}
