import { systemClock } from '@blyan/interface';
import { DoubleEntryLedger, PostgresStore } from '@blyan/ledger';
import { hasPostgres, startPostgres } from '@blyan/testkit/services';
import { expect, onTestFinished, test } from 'vitest';
import { CHAT, chatBody, startGateway } from '../../gateway/test/harness.ts';
import { tokensOf } from '../../gateway/test/scripted-coordinator.ts';
import { GATEWAY_PROGRAM } from '../src/cli/gateway-program.ts';
import { cli } from './test-context.ts';

const ACCOUNT = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';

test.skipIf(!hasPostgres)(
  'gateways share a ledger in PostgreSQL, which the command line reads and writes',
  async () => {
    const server = await startPostgres();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const env = { BLYAN_LEDGER: server.url };
    expect(await cli(['ledger', 'verify'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_LEDGER_MISSING'),
    });
    const migrate = async () =>
      JSON.parse(
        (await cli(['migrate', '--json'], { env: { BLYAN_LEDGER: server.url }, program: GATEWAY_PROGRAM })).stdout,
      );
    const { ledger: shown, migrations } = await migrate();
    expect(migrations[0]).toEqual({ number: 1, name: 'journal, accounts, reservations', isNew: true });
    expect(shown).toMatch(/^postgres:/);
    expect((await migrate()).migrations.map(({ isNew }: { isNew: boolean }) => isNew)).toEqual(
      migrations.map(() => false),
    );
    async function start(holdAt?: number) {
      const store = new PostgresStore({ url: server.url });
      const ledger = new DoubleEntryLedger({ store, clock: systemClock });
      await ledger.start();
      onTestFinished(() => ledger.stop());
      const tokens = tokensOf('A stream.');
      return { ...(await startGateway({ tokens, holdAt }, { ledger: { ledger, store, isShared: true } })), store };
    }

    const first = await start(4);
    const answer = await first.post(CHAT, chatBody({ stream: true }));
    // The other one starts while the first has an answer under way, which is not a leftover of a crash.
    const second = await start();
    expect(await second.store.verify()).toMatchObject({ open: 1, broken: null });
    expect((await second.post(CHAT, chatBody())).status).toBe(200);
    first.coordinator.release();
    await answer.text();
    await Promise.all([first.gateway.stop(), second.gateway.stop()]);

    const given = await cli(['ledger', 'top-up', ACCOUNT, '2.5', '--id', 'invoice-17'], { env });
    expect(given).toMatchObject({ code: 0, stdout: expect.stringContaining('has 2.5 to spend') });
    expect(await cli(['ledger', 'trial-balance'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The books are balanced.'),
    });
    const verified = await cli(['ledger', 'verify'], { env });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('0 answers are under way') });
    const posts = (await second.store.entries({ limit: 100 })).filter(({ type }) => type === 'post');
    expect(posts).toHaveLength(2);
    expect(posts[1]?.amount).toBe(posts[0]?.amount);
  },
);
