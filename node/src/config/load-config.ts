import { join, resolve } from 'node:path';
import { parseHostSpec } from '@blyan/routing';
import { NodeError } from '../errors.ts';
import { resolveDataDir } from './data-dir-path.ts';
import { parseEndpoint } from './endpoint.ts';
import type { NodeConfig } from './node-config.ts';
import type { Setting, SettingSource } from './setting.ts';
import { settingProblem } from './setting-problem.ts';
import { SETTINGS } from './settings.ts';
import { type RawValues, readConfigFile, readEnv, readFlags } from './sources.ts';

export interface ConfigInput {
  /** Only what was typed: settings by key, plus `config` (a file) and `json`. */
  readonly flags: RawValues;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** Each setting as it was checked and before it was read, by key. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Where each setting came from, by key. */
  readonly origins: Readonly<Record<string, SettingSource>>;
  /** Paths of the files: the one that was asked for, and the one of the data folder, whether or not it is there. */
  readonly files: { readonly named: string | null; readonly dataDir: string };
}

interface Layer {
  readonly source: SettingSource;
  readonly values: RawValues;
  /** Names the setting as this layer's user wrote it. */
  readonly label: (setting: Setting) => string;
}

function check(setting: Setting, value: unknown, label: string): unknown {
  const result = setting.schema.safeParse(value, { error: settingProblem });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` (entry ${issue.path.join('.')})`;
  throw new NodeError('ERR_NODE_CONFIG', `${label}${where}: ${issue?.message ?? 'not acceptable'}.`, {
    kind: 'caller',
  });
}

function checkHost(host: string, label: string): void {
  try {
    parseHostSpec(host);
  } catch (error) {
    const { message } = error as Error;
    throw new NodeError('ERR_NODE_CONFIG', `${label}: ${message}`, { kind: 'caller', cause: error });
  }
}

/**
 * Merges flags > environment (BLYAN_*) > `--config` file > `DATA/config.toml` > defaults.
 * @throws ERR_NODE_CONFIG or ERR_NODE_USAGE naming the flag, variable or file that is wrong
 */
export async function loadConfig(input: ConfigInput): Promise<LoadedConfig> {
  const env: Layer = { source: 'env', values: readEnv(SETTINGS, input.env), label: (setting) => setting.env };
  const flag: Layer = {
    source: 'flag',
    values: readFlags(SETTINGS, input.flags),
    label: (setting) => `--${setting.name}`,
  };
  const layers = [flag, env];

  const given = input.flags.config ?? input.env.BLYAN_CONFIG;
  const named = typeof given === 'string' && given !== '' ? resolve(input.cwd, given) : null;
  if (named !== null) {
    const values = await readConfigFile(SETTINGS, named, true);
    layers.push({ source: 'file', values, label: (s) => `${named}: ${s.name}` });
  }

  const dataDirText = layers.map((layer) => layer.values.dataDir).find((value) => value !== undefined);
  const dataDir = resolveDataDir(dataDirText as string | undefined, input.cwd, input.env.HOME);
  const local = join(dataDir, 'config.toml');
  const localValues = await readConfigFile(SETTINGS, local, false);
  if ('dataDir' in localValues) {
    const message = `${local}: "data-dir" cannot stand in the data folder itself; use --data-dir, BLYAN_DATA_DIR or a --config file.`;
    throw new NodeError('ERR_NODE_CONFIG', message, { kind: 'caller' });
  }
  layers.push({ source: 'data-dir file', values: localValues, label: (s) => `${local}: ${s.name}` });

  const values: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  const origins: Record<string, SettingSource> = {};
  for (const setting of SETTINGS) {
    const layer = layers.find((candidate) => candidate.values[setting.key] !== undefined);
    origins[setting.key] = layer?.source ?? 'default';
    labels[setting.key] = layer?.label(setting) ?? setting.name;
    values[setting.key] =
      layer === undefined ? setting.fallback : check(setting, layer.values[setting.key], layer.label(setting));
  }
  checkHost(values.host as string, labels.host as string);
  const config = {
    ...values,
    dataDir,
    gateway: parseEndpoint(values.gateway as string, labels.gateway as string),
    metrics: parseEndpoint(values.metrics as string, labels.metrics as string),
    computes: true,
    json: input.flags.json === true,
  } as unknown as NodeConfig;
  return { config, values: { ...values, dataDir }, origins, files: { named, dataDir: local } };
}
