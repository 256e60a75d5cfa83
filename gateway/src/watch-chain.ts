import type { BlockEvent } from '@blyan/api';
import type { Chain, FinalBlock } from '@blyan/interface';
import type { FastifyReply } from 'fastify';
import { blockSummary } from './chain-views.ts';
import { ClientStream } from './client-stream.ts';
import type { GatewayContext } from './context.ts';
import { GatewayError } from './errors.ts';
import { toHttpError } from './http-errors.ts';

/**
 * Final blocks as server-sent events, each with its height as id: the head first, or the block behind `after`. Blocks are
 * read when the client has room for them, so that a slow one costs no memory; it is never one short.
 */
export async function watchChain(
  chain: Chain,
  after: number | null,
  reply: FastifyReply,
  { watchers, options }: GatewayContext,
): Promise<void> {
  const { height } = chain.head();
  if (after !== null && after > height) throw ahead(after, height);
  const slot = watchers.open(reply.raw);
  let news = Promise.withResolvers<void>();
  const wake = () => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  // A chain that stopped has no head any more, and that is what its watchers are told.
  const ends = [chain.onHead(wake), chain.onFailure(wake)];
  slot.signal.addEventListener('abort', wake);
  let stream: ClientStream | undefined;
  try {
    for (let next = after === null ? height : after + 1; ; next++) {
      while (chain.head().height < next && !slot.signal.aborted) {
        stream ??= new ClientStream('sse', reply, slot, options);
        await news.promise;
      }
      slot.signal.throwIfAborted();
      const block = (await chain.block(next)) as FinalBlock;
      stream ??= new ClientStream('sse', reply, slot, options);
      await stream.send([{ data: eventOf(block) }], next);
    }
  } catch (error) {
    if (stream === undefined) throw error;
    stream.fail({ data: toHttpError(error, reply.request.id).body });
  } finally {
    for (const end of ends) end();
    slot.signal.removeEventListener('abort', wake);
    slot.close();
  }
}

function eventOf(block: FinalBlock): BlockEvent {
  return { ...blockSummary(block), recordHashes: block.recordHashes };
}

function ahead(after: number, height: number): GatewayError {
  const message = `after: Height ${after} is not final here yet; the head is ${height}`;
  return new GatewayError('ERR_GATEWAY_REQUEST_INVALID', message, { kind: 'caller', meta: { param: 'after' } });
}
