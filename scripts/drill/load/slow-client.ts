import { codeOf, exchange } from './http.ts';
import type { Client } from './world.ts';

const PAUSE_MS = 3_000;
const BETWEEN_READS_MS = 150;
/** One of so many never reads at all, of an answer that no socket takes whole: rows of logits. */
const DEAF = 12;

/** Asks for longer answers and takes them in small bites. */
export async function slowClient(client: Client): Promise<void> {
  const { orders, tally } = client.world;
  while (!client.isOver) {
    await client.pause(orders.thinkMs);
    if (client.isOver) return;
    const isDeaf = client.below(DEAF) === 0;
    const what = isDeaf ? 'deaf' : 'slow';
    try {
      const messages = [{ role: 'user', content: client.pick(orders.questions).text }];
      const more = isDeaf ? { max_tokens: 256, ignore_eos: true, blyan: { return_logits: 'f32' } } : { max_tokens: 48 };
      const body = { model: orders.model, messages, stream: true, ...more };
      const { response, cut } = await exchange(`${orders.gateway}/v1/chat/completions`, { from: client.address, body });
      tally.tell(`${what} ${response.statusCode}`);
      if (response.statusCode === 500) tally.complain(`${what}: 500`);
      if (isDeaf) {
        response.pause();
        await client.pause(4 * PAUSE_MS);
        cut();
        continue;
      }
      for await (const _ of response) await client.pause(BETWEEN_READS_MS);
    } catch (error) {
      tally.tell(`${what} ${codeOf(error)}`);
    }
  }
}
