import { printable } from '../cli/output.ts';

const NAMES: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const COLORS: Record<number, number> = { 20: 90, 30: 36, 40: 33, 50: 31, 60: 31 };
const HIDDEN = new Set(['level', 'time', 'msg']);

function fieldText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return printable(String(value.message));
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
}

/** One JSON log line as a person reads it: `12:04:05 warn  sentence  key=value`. Anything else is passed on as it is. */
export function formatLogLine(line: string, color: boolean): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  if (typeof entry !== 'object' || entry === null || typeof entry.level !== 'number') return line;
  const time = new Date(typeof entry.time === 'number' ? entry.time : 0).toTimeString().slice(0, 8);
  const name = (NAMES[entry.level] ?? String(entry.level)).padEnd(5);
  const shown = color ? `\u001b[${COLORS[entry.level] ?? 0}m${name}\u001b[0m` : name;
  const fields = Object.entries(entry).filter(([key]) => !HIDDEN.has(key));
  const tail = fields.map(([key, value]) => `${printable(key)}=${fieldText(value)}`).join(' ');
  return `${time} ${shown} ${printable(String(entry.msg ?? ''))}${tail === '' ? '' : `  ${tail}`}`;
}
