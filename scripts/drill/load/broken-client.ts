import { codeOf, exchange, rawConnection } from './http.ts';
import type { Client } from './world.ts';

/** Clients whose network or program fails them, at any moment of a request. */
export async function brokenClient(client: Client): Promise<void> {
  const { orders, tally } = client.world;
  while (!client.isOver) {
    await client.pause(orders.thinkMs);
    if (client.isOver) return;
    const way = client.pick(WAYS);
    try {
      await way.run(client);
      tally.tell(`broken: ${way.name}`);
    } catch (error) {
      tally.tell(`broken: ${way.name}: ${codeOf(error)}`);
    }
  }
}

interface Way {
  readonly name: string;
  readonly run: (client: Client) => Promise<void>;
}

const MOMENT_MS = 400;

function body({ world: { orders }, ...client }: Client, more: object = {}): object {
  const messages = [{ role: 'user', content: orders.questions[0]?.text ?? '' }];
  return {
    model: orders.model,
    messages,
    max_tokens: 48,
    ignore_eos: true,
    stream: true,
    ...more,
    user: client.address,
  };
}

const WAYS: readonly Way[] = [
  {
    name: 'half a body',
    run: async (client) => {
      const text = JSON.stringify(body(client));
      const socket = await rawConnection(client.world.orders.gateway, client.address);
      const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`;
      socket.write(`${head}\r\n\r\n${text.slice(0, client.below(text.length))}`);
      await client.pause(MOMENT_MS);
      socket.destroy();
    },
  },
  {
    name: 'gone before the answer',
    run: async (client) => {
      const socket = await rawConnection(client.world.orders.gateway, client.address);
      const text = JSON.stringify(body(client, { stream: client.below(2) === 0 }));
      const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`;
      socket.write(`${head}\r\n\r\n${text}`);
      await client.pause(MOMENT_MS / 8);
      socket.resetAndDestroy();
    },
  },
  {
    name: 'gone in mid-stream',
    run: async (client) => {
      const { orders } = client.world;
      const url = `${orders.gateway}/v1/chat/completions`;
      const { response, cut } = await exchange(url, { from: client.address, body: body(client) });
      let left = client.below(30);
      for await (const _ of response) if (left-- === 0) break;
      cut();
    },
  },
  {
    name: 'writes on after it has asked',
    run: async (client) => {
      const { orders } = client.world;
      const socket = await rawConnection(orders.gateway, client.address);
      const text = JSON.stringify(body(client));
      const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}`;
      socket.write(`${head}\r\n\r\n${text}${text}`);
      await client.pause(MOMENT_MS);
      socket.destroy();
    },
  },
];
