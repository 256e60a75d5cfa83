import { codeOf, exchange, rawConnection, statusOf, textOf } from './http.ts';
import type { Client } from './world.ts';

/** Attacks, each from the address of its client. What one is told must be among what it may be told. */
export async function hostileClient(client: Client, index: number): Promise<void> {
  const { tally } = client.world;
  const attack = ATTACKS[index % ATTACKS.length] as Attack;
  while (!client.isOver) {
    const beganMs = performance.now();
    await client.pause(attack.everyMs);
    if (client.isOver) return;
    let told: string;
    try {
      told = await attack.run(client);
    } catch (error) {
      told = codeOf(error);
    }
    tally.tell(`${attack.name} ${told}`);
    const status = Number(told);
    const isExpected = Number.isNaN(status) || attack.mayBeTold.includes(status);
    if (isExpected || (status === 503 && client.world.wasAwaySince(beganMs))) continue;
    tally.complain(`${attack.name} was told ${told}`);
  }
}

interface Attack {
  readonly name: string;
  readonly everyMs: number;
  /** Statuses; a closed connection may always be. */
  readonly mayBeTold: readonly number[];
  readonly run: (client: Client) => Promise<string>;
}

const MIB = 1024 * 1024;
const HELD_MS = 60_000;

async function told(client: Client, path: string, more: Partial<Parameters<typeof exchange>[1]>): Promise<string> {
  const { response } = await exchange(client.world.orders.gateway + path, { from: client.address, ...more });
  await textOf(response);
  return String(response.statusCode);
}

/** Bytes as they are. */
async function sent(client: Client, bytes: string): Promise<string> {
  const socket = await rawConnection(client.world.orders.gateway, client.address);
  socket.write(bytes);
  return await statusOf(socket, HELD_MS);
}

const POST = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
const PATHS = [
  '/assets/../../etc/passwd',
  '/%2e%2e/etc/passwd',
  '/v1//models',
  '/auth/%2e/session',
  '/__proto__',
  '/%zz',
];
const NEVER = 'bly_sk_0000000000000000000000000000000000000000000';

const ATTACKS: readonly Attack[] = [
  {
    name: 'oversized body',
    everyMs: 4_000,
    mayBeTold: [413],
    run: (client) => told(client, '/v1/chat/completions', { body: { model: 'x'.repeat(5 * MIB) } }),
  },
  {
    name: 'endless body',
    everyMs: 4_000,
    mayBeTold: [413],
    run: async (client) => {
      const socket = await rawConnection(client.world.orders.gateway, client.address);
      socket.write(`${POST}transfer-encoding: chunked\r\n\r\n`);
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
      const more = () => {
        while (!socket.destroyed && socket.writable && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
      return await statusOf(socket, HELD_MS);
    },
  },
  {
    name: 'large prompt',
    everyMs: 4_000,
    mayBeTold: [400, 429],
    run: (client) => {
      const messages = [{ role: 'user', content: 'What is a river? '.repeat((3 * MIB) / 17) }];
      return told(client, '/v1/chat/completions', { body: { model: client.world.orders.model, messages } });
    },
  },
  {
    name: 'deep JSON',
    everyMs: 3_000,
    mayBeTold: [400],
    run: (client) => {
      const depth = 400_000;
      const text = '['.repeat(depth) + ']'.repeat(depth);
      return sent(client, `${POST}connection: close\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    },
  },
  {
    name: 'wrong key',
    everyMs: 500,
    mayBeTold: [401],
    run: (client) => told(client, '/v1/models', { method: 'GET', headers: { authorization: `Bearer ${NEVER}` } }),
  },
  {
    name: 'ten thousand headers',
    everyMs: 3_000,
    mayBeTold: [431],
    run: (client) => sent(client, `${POST}${Array.from({ length: 10_000 }, (_, i) => `a${i}: b\r\n`).join('')}\r\n`),
  },
  {
    name: 'no HTTP',
    everyMs: 500,
    mayBeTold: [400],
    run: (client) =>
      sent(client, `${String.fromCharCode(...Array.from({ length: 64 }, () => client.below(256)))}\r\n\r\n`),
  },
  {
    name: 'slow loris, headers',
    everyMs: 1_000,
    mayBeTold: [408],
    run: (client) => drip(client, POST, 'x-a: b\r\n'),
  },
  {
    name: 'slow loris, body',
    everyMs: 1_000,
    mayBeTold: [408],
    run: (client) => drip(client, `${POST}content-length: 1000000\r\n\r\n"`, 'x'),
  },
  {
    name: 'path tricks',
    everyMs: 500,
    mayBeTold: [400, 401, 404],
    run: (client) => sent(client, `GET ${client.pick(PATHS)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`),
  },
  {
    name: 'foreign Host',
    everyMs: 500,
    mayBeTold: [403],
    run: (client) => told(client, '/v1/models', { method: 'GET', headers: { host: 'evil.example' } }),
  },
  {
    name: 'flood of questions',
    everyMs: 50,
    mayBeTold: [200, 429, 503],
    run: (client) => {
      const messages = [{ role: 'user', content: 'What is a river?' }];
      return told(client, '/v1/chat/completions', {
        body: { model: client.world.orders.model, messages, max_tokens: 1 },
      });
    },
  },
  {
    name: 'flood of counts',
    everyMs: 50,
    mayBeTold: [200, 429],
    run: (client) => {
      const messages = [{ role: 'user', content: 'What is a river?' }];
      return told(client, '/v1/messages/count_tokens', { body: { model: client.world.orders.model, messages } });
    },
  },
  {
    name: 'flood of connections',
    everyMs: 50,
    mayBeTold: [],
    run: async (client) => {
      const socket = await rawConnection(client.world.orders.gateway, client.address);
      socket.resetAndDestroy();
      return 'reset';
    },
  },
  {
    name: 'guessed request ids',
    everyMs: 300,
    mayBeTold: [404, 429],
    run: (client) => {
      const id = Array.from({ length: 32 }, () => client.below(16).toString(16)).join('');
      return told(client, `/api/v1/requests/${id}/stream`, { method: 'GET' });
    },
  },
];

/** Begins, and adds a little ever and again. */
async function drip(client: Client, first: string, more: string): Promise<string> {
  const socket = await rawConnection(client.world.orders.gateway, client.address);
  socket.write(first);
  const timer = setInterval(() => socket.write(more), 1_000);
  try {
    return await statusOf(socket, HELD_MS);
  } finally {
    clearInterval(timer);
  }
}
