import type { z } from 'zod';

/** How a value is written in text (flags and environment); a TOML file uses its own strings, booleans and arrays. */
export type SettingForm = 'text' | 'list' | 'boolean' | 'number';

/** One row of the table of settings: the single place that knows a setting's names, form, default and help. */
export interface Setting {
  /** Field of `NodeConfig`. */
  readonly key: string;
  /** Name in a configuration file, and the flag without its dashes. */
  readonly name: string;
  readonly env: string;
  /** As commander writes it; null: no flag, only environment and file. */
  readonly flags: string | null;
  readonly form: SettingForm;
  readonly schema: z.ZodType;
  /** Value when nobody says anything. */
  readonly fallback: unknown;
  readonly help: string;
  /** What is shown of a text that may hold a secret; without it all of it. */
  readonly redact?: (text: string) => string;
}

export type SettingSource = 'flag' | 'env' | 'file' | 'data-dir file' | 'default';
