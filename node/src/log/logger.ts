import type { Logger } from '@blyan/interface';
import { pino } from 'pino';
import type { OutputStream } from '../cli/context.ts';
import type { LogLevel } from '../config/node-config.ts';
import { formatLogLine } from './line-format.ts';
import { scrub } from './scrub.ts';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go: JSON, or one readable line each when it is a terminal. */
  readonly stream: OutputStream;
  readonly color: boolean;
}

/** Hidden by name: at the top, and in objects and objects within these. */
const SECRET_FIELDS = [
  ...['authorization', 'cookie', 'set-cookie', 'x-api-key', 'apiKey', 'password', 'token', 'secret', 'joinSecret'],
  ...['deviceCode', 'operatorToken', 'privateKey', 'seed', 'signature', 'prompt', 'messages', 'invite'],
];
const SECRET_PATHS = SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]);

/**
 * Structured logs, one JSON object a line. Fields that may hold a secret or a prompt are blanked, and so is what has the form of a
 * secret wherever it stands: in a sentence, in the message of an error, in a stack.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { stream } = options;
  const isRead = stream.isTTY === true;
  const sink = {
    write: (line: string) => {
      const safe = scrub(line);
      stream.write(isRead ? `${formatLogLine(safe.trimEnd(), options.color)}\n` : safe);
    },
  };
  const log = pino(
    {
      level: options.level,
      base: null,
      redact: { paths: SECRET_PATHS, censor: '[hidden]' },
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
