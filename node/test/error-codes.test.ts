import { expect, test } from 'vitest';
import { describeCodes } from '../../scripts/error-codes.ts';

const DECLARED = `
/**
 * - \`B\`: the second one
 */
export type ThingErrorCode =
  /** The first one; it has a semicolon. */
  | 'ERR_THING_A'
  | 'ERR_THING_B'
  | 'ERR_THING_C'
  | 'ERR_THING_D';
export class ThingError extends AppError<ThingErrorCode> {
  constructor(code, message, options = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}`;

const USED = `
throw new ThingError('ERR_THING_A', 'Not this sentence.');
throw new ThingError('ERR_THING_B', message, { kind: 'peer' });
fail('ERR_THING_C', name, \`No \${list.map(({ id }) => id).join('; ')} in \${name}.\`, { kind: 'internal' });
throw new ThingError('ERR_THING_C', 'Said later.');
`;

test('codes get their sentence from a comment or the first message, and every kind they are thrown with', () => {
  const { entries, problems } = describeCodes('@blyan/thing', [
    { path: 'errors.ts', text: DECLARED },
    { path: 'use.ts', text: USED },
  ]);
  expect(entries.map(({ code, kinds, sentence }) => [code, kinds.join(), sentence])).toEqual([
    ['ERR_THING_A', 'caller', 'The first one; it has a semicolon.'],
    ['ERR_THING_B', 'peer', 'The second one.'],
    ['ERR_THING_C', 'caller,internal', 'No … in ….'],
    ['ERR_THING_D', '', ''],
  ]);
  expect(problems).toEqual(['errors.ts: ERR_THING_D is declared and never used']);
});
