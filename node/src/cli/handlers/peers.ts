import { ApiClient, type StateAnswer } from '@blyan/api';
import type { CommandHandler } from '../command.ts';
import { findGateway } from '../find-gateway.ts';
import { print, printable, printJson, table } from '../output.ts';
import { formatRanges } from '../ranges.ts';

const TIMEOUT_MS = 10_000;

function hosted(node: StateAnswer['nodes'][number]): string {
  const parts = [
    node.hosted.embedding ? 'embedding' : '',
    node.hosted.layers.length > 0 ? `trunk ${formatRanges(node.hosted.layers)}` : '',
    node.hosted.experts.length > 0 ? `${node.hosted.experts.length} experts` : '',
    node.hosted.head ? 'head' : '',
  ];
  return parts.filter((part) => part !== '').join(', ') || 'nothing';
}

/** The nodes as the asked node sees them; with --json one array. */
export const peers: CommandHandler = async (context, input) => {
  const baseUrl = await findGateway(context, input);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const { nodes } = await new ApiClient({ baseUrl }).state(signal);
  if (input.options.json === true) return printJson(context, nodes);
  const rows = nodes.map((node) => [
    printable(node.peerId) + (node.self ? ' (asked)' : ''),
    node.self ? '-' : node.rttMs === null ? '?' : `${node.rttMs.toFixed(1)} ms`,
    String(node.tier),
    String(node.active),
    hosted(node),
  ]);
  print(context, table([['PEER', 'RTT', 'TIER', 'ACTIVE', 'HOSTS'], ...rows]));
};
