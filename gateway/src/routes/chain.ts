import {
  API_LIMITS,
  API_ROUTES,
  accountAddress,
  blockId,
  blockList,
  blocksQuery,
  chainAccount,
  chainBlock,
  chainEpochs,
  chainGenesis,
  chainHead,
  chainRecord,
  chainState,
  epochsQuery,
  recordAccepted,
  recordHash,
  recordList,
  recordSubmission,
  recordsQuery,
  stateKey,
  stateList,
  stateQuery,
  statesQuery,
} from '@blyan/api';
import type { Chain } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { blockAnswer, blockSummary, genesisAnswer, provenAnswer, recordAnswer, stateAnswer } from '../chain-views.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { recordsOfAuthor, recordsOfBlock } from '../list-records.ts';
import { watchChain } from '../watch-chain.ts';

const DEFAULT_BLOCKS = 20;
const DEFAULT_RECORDS = 20;

const only = <T extends z.ZodType>(response: T) => ({ response: { 200: response } });
const idOf = <T extends z.ZodType>(id: T) => z.object({ id });
const after = z.object({ after: z.string().optional() });

/** What is final on the chain, read from this node; records handed in; final blocks as they come. */
export const chainRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    const chain = () => chainOf(context);

    app.get(API_ROUTES.chainHead.path, { schema: only(chainHead) }, () => chain().head());

    app.get(
      API_ROUTES.chainBlocks.path,
      { schema: { querystring: blocksQuery, ...only(blockList) } },
      async ({ query }) => {
        const before = query.before ?? chain().head().height + 1;
        const blocks = await chain().blocks(before, query.limit ?? DEFAULT_BLOCKS);
        const lowest = blocks.at(-1)?.height ?? 0;
        return { data: blocks.map(blockSummary), before: lowest > 0 ? lowest : null };
      },
    );

    app.get(
      API_ROUTES.chainBlock.path,
      { schema: { params: idOf(blockId), ...only(chainBlock) } },
      async ({ params }) => {
        const id = params.id.length === 64 ? params.id : Number(params.id);
        return blockAnswer((await chain().block(id)) ?? unknown('a final block', params.id));
      },
    );

    app.get(
      API_ROUTES.chainRecord.path,
      { schema: { params: idOf(recordHash), ...only(chainRecord) } },
      async ({ params }) => recordAnswer((await chain().record(params.id)) ?? unknown('a record', params.id)),
    );

    app.get(
      API_ROUTES.chainRecords.path,
      { schema: { querystring: recordsQuery, ...only(recordList) } },
      async ({ query: { author, block = 0, next = null, limit = DEFAULT_RECORDS } }) => {
        if (author !== undefined) return recordsOfAuthor(chain(), author, next, limit);
        const found = (await chain().block(block)) ?? unknown('a final block', String(block));
        return recordsOfBlock(chain(), found, next, limit);
      },
    );

    app.get(API_ROUTES.chainGenesis.path, { schema: only(chainGenesis) }, () => genesisAnswer(chain().genesis));

    app.get(
      API_ROUTES.chainAccount.path,
      { schema: { params: idOf(accountAddress), ...only(chainAccount) } },
      ({ params }) => {
        const { balance, nonce, nextNonce } = chain().account(params.id);
        return { address: params.id, balance: String(balance), nonce, nextNonce };
      },
    );

    app.get(
      API_ROUTES.chainEpochs.path,
      { schema: { querystring: epochsQuery, ...only(chainEpochs) } },
      ({ query: { from } }) => {
        const ends = chain().epochEnds(from);
        const next = ends.length > 0 ? from + ends.length : null;
        return { data: ends.map((end) => Buffer.from(end).toString('base64')), next };
      },
    );

    app.get(
      API_ROUTES.chainStates.path,
      { schema: { querystring: statesQuery, ...only(stateList) } },
      async ({ query: { prefix, limit = API_LIMITS.stateKeys } }) => {
        const found = await chain().values(prefix, limit + 1);
        const data = found.slice(0, limit).map(([key, bytes]) => ({ key, value: stateAnswer(key, bytes).value }));
        return { data, hasMore: found.length > limit };
      },
    );

    // A wildcard: keys have slashes in them.
    app.get(
      API_ROUTES.chainState.path,
      { schema: { params: z.object({ '*': stateKey }), querystring: stateQuery, ...only(chainState) } },
      async ({ params, query }) => {
        const key = params['*'];
        return query.proof === '1' ? provenAnswer(await chain().proof(key)) : stateAnswer(key, chain().value(key));
      },
    );

    app.post(
      API_ROUTES.chainRecords.path,
      {
        schema: { body: recordSubmission, response: { 202: recordAccepted } },
        bodyLimit: API_LIMITS.recordBodyBytes,
      },
      async ({ body }, reply) => {
        const hash = await chain().submit(Buffer.from(body.record, 'base64'));
        return reply.code(202).send({ hash });
      },
    );

    app.get(API_ROUTES.chainEvents.path, { schema: { querystring: after }, exposeHeadRoute: false }, (request, reply) =>
      watchChain(chain(), heightBefore(request, request.query.after), reply, context),
    );
    done();
  };

function chainOf({ chain }: GatewayContext): Chain {
  if (chain !== null) return chain;
  throw new GatewayError('ERR_GATEWAY_CHAIN_MISSING', 'This gateway runs without a chain: ask the one of a node.');
}

function unknown(what: string, id: string): never {
  throw new GatewayError(
    'ERR_GATEWAY_CHAIN_UNKNOWN',
    `This node knows ${what} ${id} neither on the chain nor waiting.`,
    {
      kind: 'caller',
    },
  );
}

/** A client that reconnects by itself sends the header, and the address it began with. Null: from the head. */
function heightBefore(request: FastifyRequest, query: string | undefined): number | null {
  const header = request.headers['last-event-id'];
  const text = typeof header === 'string' && header !== '' ? header : query;
  if (text === undefined) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new GatewayError('ERR_GATEWAY_REQUEST_INVALID', 'after: Expected the height of a block', {
    kind: 'caller',
    meta: { param: 'after' },
  });
}
