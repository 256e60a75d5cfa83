import type { Logger } from '@blyan/interface';
import { pino } from 'pino';
import type { OutputStream } from '../cli/context.ts';
import type { LogLevel } from '../config/node-config.ts';
import { formatLogLine } from './line-format.ts';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go: JSON, or one readable line each when it is a terminal. */
  readonly stream: OutputStream;
  readonly color: boolean;
}

const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'privateKey',
  'secret',
  'joinSecret',
  'signature',
  'prompt',
  'messages',
  'invite',
];

/** Structured logs; fields that may hold a secret or a prompt are blanked wherever they stand near the top. */
export function createLogger(options: LoggerOptions): Logger {
  const { stream } = options;
  const sink =
    stream.isTTY === true
      ? { write: (line: string) => stream.write(`${formatLogLine(line.trimEnd(), options.color)}\n`) }
      : stream;
  const log = pino(
    {
      level: options.level,
      base: null,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[hidden]' },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
    },
    sink,
  );
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: Record<string, unknown>): void =>
      log[level](fields ?? {}, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
