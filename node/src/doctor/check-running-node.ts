import { ApiClient, ApiClientError, type ChainHeadAnswer } from '@blyan/api';
import { headOrRefusal } from '../cli/ask-chain.ts';
import { isStalled, movement, validatorsOf } from '../cli/show-chain.ts';
import { readRunFile } from '../data-dir/run-file.ts';
import { type Check, ok, warn } from './check.ts';

const TIMEOUT_MS = 5_000;

/** Asks the running daemon what it is missing. */
export const checkRunningNode: Check = {
  name: 'running node',
  async run({ config, signal }) {
    const entry = await readRunFile(config.dataDir);
    if (entry === null) return [ok('none on this data folder')];
    if (entry.gateway === null) return [ok(`process ${entry.pid}, without a gateway to ask`)];
    const client = new ApiClient({ baseUrl: entry.gateway });
    let state: Awaited<ReturnType<ApiClient['state']>>;
    let head: ChainHeadAnswer | ApiClientError;
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      [state, head] = await Promise.all([client.state(inTime), headOrRefusal(client, inTime)]);
    } catch (error) {
      signal.throwIfAborted();
      return [
        warn(
          `Process ${entry.pid} does not answer: ${(error as Error).message}`,
          'Look at its log; restart it if it hangs.',
        ),
      ];
    }
    const others = state.nodes.length - 1;
    const findings = [ok(`process ${entry.pid}, ${others} other ${others === 1 ? 'node' : 'nodes'}`)];
    if (state.notReady !== null) {
      const halted = head instanceof ApiClientError && head.meta.serverCode === 'ERR_CHAIN_HALTED';
      const advice = halted
        ? 'What is final stays as it is on its disk; it goes on from there when it is started again.'
        : 'Join a network that hosts the missing blocks, or host them here.';
      findings.push(warn(`Not ready: ${state.notReady}`, advice));
    }
    if (head instanceof ApiClientError) return findings;
    const chain = `chain at height ${head.height}, ${validatorsOf(head)}; ${movement(head)}`;
    findings.push(
      isStalled(head)
        ? warn(`The ${chain}.`, 'Start the validators that are down; the chain goes on by itself then.')
        : ok(chain),
    );
    return findings;
  },
};
