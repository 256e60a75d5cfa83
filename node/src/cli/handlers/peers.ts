import { ApiClient, type StateAnswer } from '@blyan/api';
import type { CommandHandler } from '../command.ts';
import { findGateway } from '../find-gateway.ts';
import { inTime } from '../in-time.ts';
import { print, printable, printJson, table } from '../output.ts';
import { formatRanges } from '../ranges.ts';

function hosted(node: StateAnswer['nodes'][number]): string {
  const parts = [
    node.hosted.embedding ? 'embedding' : '',
    node.hosted.layers.length > 0 ? `trunk ${formatRanges(node.hosted.layers)}` : '',
    node.hosted.experts.length > 0 ? `${node.hosted.experts.length} experts` : '',
    node.hosted.head ? 'head' : '',
  ];
  return parts.filter((part) => part !== '').join(', ') || 'nothing';
}

type Faults = StateAnswer['nodes'][number]['faults'];

function held({ points, last, refused }: Faults): string {
  if (last === null) return '-';
  return `${refused ? 'refused' : points} ${printable(last.code)}`;
}

/** The nodes as the asked node sees them, then peers without a record that it holds something against; with --json one array. */
export const peers: CommandHandler = async (context, input) => {
  const baseUrl = await findGateway(context, input);
  const signal = inTime(context);
  const { nodes, outcasts } = await new ApiClient({ baseUrl }).state(signal);
  if (input.options.json === true) return printJson(context, [...nodes, ...outcasts]);
  const rows = nodes.map((node) => [
    printable(node.peerId) + (node.self ? ' (asked)' : ''),
    node.self ? '-' : node.rttMs === null ? '?' : `${node.rttMs.toFixed(1)} ms`,
    String(node.tier),
    String(node.active),
    node.registered === undefined ? '-' : node.registered ? 'yes' : 'no',
    held(node.faults),
    hosted(node),
  ]);
  const others = outcasts.map(({ peerId, faults }) => [
    printable(peerId),
    '-',
    '-',
    '-',
    '-',
    held(faults),
    'no record',
  ]);
  print(context, table([['PEER', 'RTT', 'TIER', 'ACTIVE', 'REGISTERED', 'FAULTS', 'HOSTS'], ...rows, ...others]));
};
