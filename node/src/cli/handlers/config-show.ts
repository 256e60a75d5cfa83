import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import type { Setting } from '../../config/setting.ts';
import { settingOf } from '../../config/settings.ts';
import type { CommandHandler } from '../command.ts';
import { print, printable, printJson, table } from '../output.ts';

/**
 * Each setting as the file knows it, with its value and where that comes from.
 *
 * @param keys of the settings to show
 */
export function configShow(keys: readonly string[]): CommandHandler {
  return async (context, input) => {
    const { origin, json, ...flags } = input.options;
    const loaded = await loadConfig({ flags, env: context.env, cwd: context.cwd });
    const rows = keys.map((key) => {
      const setting = settingOf(key);
      return { name: setting.name, value: shownValue(setting, loaded), ...whereFrom(setting, loaded) };
    });
    if (json === true) {
      const settings = rows.map(({ name, value, source, from }) => ({
        name,
        value,
        ...(origin === true ? { source, from } : {}),
      }));
      return printJson(context, { settings });
    }
    const lines = rows.map(({ name, value, source, from }) => {
      const where = source === 'default' ? source : `${source} ${from}`;
      return [name, printable(textOf(value)), ...(origin ? [printable(where)] : [])];
    });
    print(context, table([['SETTING', 'VALUE', ...(origin ? ['FROM'] : [])], ...lines]));
  };
}

function shownValue({ key, redact = (text) => text }: Setting, { values }: LoadedConfig): unknown {
  const value = values[key] ?? null;
  if (Array.isArray(value)) return value.map((entry) => redact(String(entry)));
  return typeof value === 'string' ? redact(value) : value;
}

/** `from`: the flag, the variable or the file; null for a default. */
function whereFrom({ key, name, env }: Setting, { origins, files }: LoadedConfig) {
  const source = origins[key] ?? 'default';
  const from = { flag: `--${name}`, env, file: files.named, 'data-dir file': files.dataDir, default: null }[source];
  return { source, from };
}

function textOf(value: unknown): string {
  if (value === null) return '-';
  return Array.isArray(value) ? value.join(' ') || '-' : String(value);
}
