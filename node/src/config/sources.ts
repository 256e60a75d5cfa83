import { open } from 'node:fs/promises';
import { errorCode } from '@blyan/interface';
import { parse } from 'smol-toml';
import { NodeError } from '../errors.ts';
import { closest } from './closest.ts';
import type { Setting } from './setting.ts';

/** Raw values by setting key, before the schema has seen them. */
export type RawValues = Readonly<Record<string, unknown>>;

const MAX_FILE_BYTES = 1 << 20;

function configError(message: string, cause?: unknown): NodeError {
  return new NodeError('ERR_NODE_CONFIG', message, { kind: 'caller', cause });
}

/** Brings a value written as text (an environment variable or a flag) into the form the schema expects. */
export function fromText(setting: Setting, value: string): unknown {
  switch (setting.form) {
    case 'list':
      return value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'boolean':
      if (/^(1|true|yes|on)$/i.test(value)) return true;
      if (/^(0|false|no|off)$/i.test(value)) return false;
      return value;
    case 'number':
      return /^\d{1,15}$/.test(value) ? Number(value) : value;
    default:
      return value;
  }
}

/** The settings the command line gives, by the names that the parser has for flags; numbers come as text. */
export function readFlags(settings: readonly Setting[], flags: RawValues): RawValues {
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    const value = flags[setting.name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    values[setting.key] = typeof value === 'string' && setting.form === 'number' ? fromText(setting, value) : value;
  }
  return values;
}

/** The settings the environment gives. An empty variable counts as unset. */
export function readEnv(settings: readonly Setting[], env: Readonly<Record<string, string | undefined>>): RawValues {
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    const value = env[setting.env];
    if (value !== undefined && value !== '') values[setting.key] = fromText(setting, value);
  }
  return values;
}

async function readBounded(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES)
      throw configError(`${path}: a configuration file has at most 1 MiB, this one has ${size} bytes.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * The settings a TOML file gives; a file that does not exist gives none unless it was asked for.
 * @throws ERR_NODE_CONFIG for a syntax error, an unknown key (with the likely one) or an unreadable file
 */
export async function readConfigFile(
  settings: readonly Setting[],
  path: string,
  required: boolean,
): Promise<RawValues> {
  let text: string;
  try {
    text = await readBounded(path);
  } catch (error) {
    if (error instanceof NodeError) throw error;
    // A path through a file has no file either; opening the data folder says what is wrong with it.
    if (!required && (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR')) return {};
    throw configError(`${path}: the configuration file cannot be read (${errorCode(error)}).`, error);
  }
  let document: Record<string, unknown>;
  try {
    document = parse(text) as Record<string, unknown>;
  } catch (error) {
    throw configError(`${path} is not valid TOML: ${(error as Error).message.split('\n')[0]}`, error);
  }
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(document)) {
    const setting = settings.find((candidate) => candidate.name === name);
    if (setting === undefined) {
      const near = closest(
        name,
        settings.map((candidate) => candidate.name),
      );
      throw configError(`${path}: unknown key "${name}"${near === null ? '' : `; did you mean "${near}"?`}`);
    }
    values[setting.key] = value;
  }
  return values;
}
