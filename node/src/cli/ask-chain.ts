import { ApiClient, ApiClientError, type ChainClient, type ChainHeadAnswer } from '@blyan/api';
import type { CommandInput } from './command.ts';
import type { CliContext } from './context.ts';
import { findGateway } from './find-gateway.ts';
import { inTime } from './in-time.ts';

export interface AskedChain {
  readonly chain: ChainClient;
  /** Of one question. */
  readonly signal: AbortSignal;
}

/** The chain as the running node's gateway tells it. @throws ERR_NODE_NOT_RUNNING, ERR_NODE_GATEWAY */
export async function askChain(context: CliContext, input: CommandInput): Promise<AskedChain> {
  const baseUrl = await findGateway(context, input);
  const { chain } = new ApiClient({ baseUrl });
  return { chain, signal: inTime(context) };
}

/** Why there is none, where the gateway has no chain or it has stopped. */
export async function headOrRefusal(
  { chain }: ApiClient,
  signal: AbortSignal,
): Promise<ChainHeadAnswer | ApiClientError> {
  try {
    return await chain.head(signal);
  } catch (error) {
    if (error instanceof ApiClientError && error.code === 'ERR_API_REFUSED') return error;
    throw error;
  }
}
