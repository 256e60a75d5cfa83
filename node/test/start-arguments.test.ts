import { expect, test } from 'vitest';
import { startEnvironment } from '../src/devnet/start-arguments.ts';

test('what the user set for a node or a gateway of his own does not reach a local network', () => {
  const own = {
    BLYAN_MODEL: 'mine',
    BLYAN_CONFIG: 'mine.toml',
    BLYAN_LEDGER: 'postgres://blyan@db/blyan',
    BLYAN_AUTH_STORE: 'rediss://:word@cache',
  };
  const kept = { PATH: '/bin', BLYAN_LOG_LEVEL: 'debug', BLYAN_PROVIDER: 'cpu' };
  const env = startEnvironment({ ...own, ...kept });
  expect(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))).toEqual(kept);
});
