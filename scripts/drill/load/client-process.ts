import { brokenClient } from './broken-client.ts';
import { goodClient } from './good-client.ts';
import { hostileClient } from './hostile-client.ts';
import type { FromClients, Orders, ToClients } from './messages.ts';
import { slowClient } from './slow-client.ts';
import { Tally } from './tally.ts';
import { Client, type World } from './world.ts';

// Many clients in one process, told by the drill over the IPC channel. Ends with the drill, however that ends.

const REPORT_MS = 5_000;
/** Of ten clients; the others are good. */
const SLOW = 1;
const BROKEN = 2;
const HOSTILE = 2;

const tally = new Tally();
const ending = new AbortController();
let awayAtMs = Number.NEGATIVE_INFINITY;
let backAtMs = Number.NEGATIVE_INFINITY;

process.on('disconnect', () => process.exit(1));
process.on('message', (message: ToClients) => {
  if (message.type === 'begin') void run(message.orders);
  else if (message.type === 'end') ending.abort();
  else if (message.type === 'away') [awayAtMs, backAtMs] = [performance.now(), Number.POSITIVE_INFINITY];
  else backAtMs = performance.now();
});

async function run(orders: Orders): Promise<void> {
  const world: World = {
    ...{ orders, tally, ending: ending.signal },
    wasAwaySince: (beganMs) => beganMs < backAtMs && awayAtMs < performance.now(),
    awayMsSince: (beganMs) => Math.max(0, Math.min(backAtMs, performance.now()) - Math.max(awayAtMs, beganMs)),
  };
  const reporter = setInterval(() => {
    const { asked, served, complaintCount: complaints } = tally;
    send({ type: 'progress', asked, served: served.length, complaints });
  }, REPORT_MS);
  await Promise.all(orders.clients.map((index) => clientOf(index, world)));
  clearInterval(reporter);
  send({ type: 'report', tally }, () => process.exit(0));
}

function clientOf(index: number, world: World): Promise<void> {
  const client = new Client(index, world);
  const kind = index % 10;
  if (kind < SLOW) return slowClient(client);
  if (kind < SLOW + BROKEN) return brokenClient(client);
  // Neighbours of one kind attack in different ways.
  if (kind < SLOW + BROKEN + HOSTILE) return hostileClient(client, Math.floor(index / 10) * HOSTILE + kind);
  return goodClient(client);
}

function send(message: FromClients, then: () => void = () => {}): void {
  process.send?.(message, then);
}
