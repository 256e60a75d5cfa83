import { settingOf } from '../../config/settings.ts';
import { CONFIG_OPTION, type CommandSpec, JSON_OPTION } from '../command.ts';

/**
 * What the program would run with. `show` takes the flags of `start`, so that all that can be said to it can be looked at; not the
 * one whose name it needs itself.
 *
 * @param keys of the settings that the program has
 */
export function config(keys: readonly string[]): CommandSpec {
  return {
    name: 'config',
    summary: 'The settings: flags go before BLYAN_… variables, these before files, files before what holds by default',
    commands: [
      {
        name: 'show',
        summary: 'Print every setting and its value; what is secret is hidden',
        settings: keys.filter((key) => key !== 'origin' && settingOf(key).flags !== null),
        options: [
          { flags: '--origin', help: 'and where each value comes from: a flag, a variable, a file, or the default' },
          CONFIG_OPTION,
          JSON_OPTION,
        ],
        examples: ['config show', 'config show --origin', 'config show --origin --gateway 0.0.0.0:80 --json'],
        load: async () => (await import('../handlers/config-show.ts')).configShow(keys),
      },
    ],
  };
}
