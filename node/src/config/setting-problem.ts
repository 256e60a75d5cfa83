import type { z } from 'zod';

/** A value of a setting says no more of itself. */
const MAX_SHOWN = 64;

/**
 * What is wrong with a setting, where its schema has no words of its own: "must be off, optional or required, not "maybe"". The value is
 * shown where it was to be a word, a number or a switch; what might hold a secret never is.
 */
export function settingProblem(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${anyOf(issue.values.map(String))}${notThis(input)}`;
    case 'invalid_type':
      if (issue.expected === 'boolean') return `must be true or false${notThis(input)}`;
      if (issue.expected === 'number' || issue.expected === 'int') return `must be a whole number${notThis(input)}`;
      return `must be ${issue.expected === 'array' ? 'a list' : 'text'}`;
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', issue.minimum)}${issue.origin === 'number' ? notThis(input) : ''}`;
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', issue.maximum)}${issue.origin === 'number' ? notThis(input) : ''}`;
    default:
      return undefined;
  }
}

function bound(origin: string, which: string, limit: number | bigint): string {
  if (origin === 'array') return `have ${which} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return origin === 'string' ? `have ${which} ${limit} characters` : `be ${which} ${limit}`;
}

function anyOf(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function notThis(value: unknown): string {
  if (typeof value === 'string') return `, not "${value.slice(0, MAX_SHOWN)}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? `, not ${value}` : '';
}
