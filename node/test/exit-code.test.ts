import { expect, test } from 'vitest';
import { describeError } from '../src/cli/exit-code.ts';
import { usageError } from '../src/errors.ts';

test('of a cause its first line is shown, and nothing twice', () => {
  const cause = new Error('no way:\n    at somewhere', { cause: new Error('no way:') });
  expect(describeError(usageError('It fails.', { cause }), false)).toBe(
    'error: It fails. [ERR_NODE_USAGE]\n  because: no way:',
  );
});
