import type {
  BlockEvent,
  BlockList,
  ChainAccountAnswer,
  ChainBlock,
  ChainEpochsAnswer,
  ChainGenesisAnswer,
  ChainHeadAnswer,
  ChainRecordAnswer,
  ChainStateAnswer,
  RecordAccepted,
  RecordList,
  StateList,
} from './chain.ts';
import { brokenAnswer, parseAnswer, refusedBy } from './client-error.ts';
import { Connection } from './connection.ts';
import type { ApiErrorBody } from './errors.ts';
import { type Gateways, post } from './gateways.ts';
import { API_ROUTES } from './routes.ts';

/** The chain's routes as functions; they throw as those of `ApiClient` do. */
export class ChainClient {
  readonly #gateways: Gateways;

  constructor(gateways: Gateways) {
    this.#gateways = gateways;
  }

  head(signal?: AbortSignal): Promise<ChainHeadAnswer> {
    return this.#gateways.json(API_ROUTES.chainHead.path, { signal });
  }

  /** The highest first. */
  blocks(range: { readonly before?: number; readonly limit?: number } = {}, signal?: AbortSignal): Promise<BlockList> {
    return this.#gateways.json(`${API_ROUTES.chainBlocks.path}?${queryOf(range)}`, { signal });
  }

  block(id: number | string, signal?: AbortSignal): Promise<ChainBlock> {
    return this.#gateways.json(withId(API_ROUTES.chainBlock.path, String(id)), { signal });
  }

  record(hash: string, signal?: AbortSignal): Promise<ChainRecordAnswer> {
    return this.#gateways.json(withId(API_ROUTES.chainRecord.path, hash), { signal });
  }

  genesis(signal?: AbortSignal): Promise<ChainGenesisAnswer> {
    return this.#gateways.json(API_ROUTES.chainGenesis.path, { signal });
  }

  /** Those that an account signed, the latest first, or those of a block; `next` as the answer before said. */
  records(
    of: { readonly author: string } | { readonly block: number },
    range: { readonly next?: string; readonly limit?: number } = {},
    signal?: AbortSignal,
  ): Promise<RecordList> {
    return this.#gateways.json(`${API_ROUTES.chainRecords.path}?${queryOf({ ...of, ...range })}`, { signal });
  }

  /** Keys of the state that begin so, with their values. */
  states(prefix: string, limit?: number, signal?: AbortSignal): Promise<StateList> {
    return this.#gateways.json(`${API_ROUTES.chainStates.path}?${queryOf({ prefix, limit })}`, { signal });
  }

  /** From one on; the answer says what to ask for next. */
  epochs(from: number, signal?: AbortSignal): Promise<ChainEpochsAnswer> {
    return this.#gateways.json(`${API_ROUTES.chainEpochs.path}?from=${from}`, { signal });
  }

  account(address: string, signal?: AbortSignal): Promise<ChainAccountAnswer> {
    return this.#gateways.json(withId(API_ROUTES.chainAccount.path, address), { signal });
  }

  /** The value of a state key, with its proof if wanted. */
  state(key: string, proof = false, signal?: AbortSignal): Promise<ChainStateAnswer> {
    const path = API_ROUTES.chainState.path.replace('*', key.split('/').map(encodeURIComponent).join('/'));
    return this.#gateways.json(path + (proof ? '?proof=1' : ''), { signal });
  }

  /** @param record canonical bytes in standard base64 */
  submit(record: string, signal?: AbortSignal): Promise<RecordAccepted> {
    return this.#gateways.json(API_ROUTES.chainRecords.path, post({ record }, signal));
  }

  /** Final blocks as they come, in the order of their heights: the head first, or the block behind `after`. Never ends by itself. */
  async *events(after?: number, signal?: AbortSignal): AsyncGenerator<BlockEvent, never> {
    const connection = new Connection(signal);
    const query = after === undefined ? '' : `?after=${after}`;
    const response = await this.#gateways.any(API_ROUTES.chainEvents.path + query, { signal: connection.signal });
    for await (const { data } of connection.events(response)) {
      const event = parseAnswer<BlockEvent | ApiErrorBody>(data);
      if ('error' in event) throw refusedBy(event, response);
      yield event;
    }
    throw brokenAnswer('The stream of blocks ended.');
  }
}

function queryOf(fields: Readonly<Record<string, string | number | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query;
}

function withId(path: string, id: string): string {
  return path.replace(':id', encodeURIComponent(id));
}
