import { formatLogLine } from '../log/line-format.ts';

const WARN = 40;

/** Warnings and errors of a daemon, readable; null for the rest (which is in its log file). Lines that are no log entry are shown: a crash speaks that way. */
export function showLogLine(line: string, color: boolean): string | null {
  try {
    const { level } = JSON.parse(line) as { level?: unknown };
    if (typeof level === 'number' && level < WARN) return null;
  } catch {
    return line;
  }
  return formatLogLine(line, color);
}
