import type { Answer } from './conversation.ts';

/** `[pipeline, 3 nodes, 24 tokens, 41.2 tok/s, first after 130 ms]` */
export function summaryOf(answer: Answer): string {
  const { blyan, tokens } = answer;
  if (blyan === undefined) return '[stopped]';
  const parts: string[] = [];
  if (blyan.plan !== undefined) parts.push(blyan.plan);
  if (blyan.route !== undefined) parts.push(`${blyan.route.length} ${blyan.route.length === 1 ? 'node' : 'nodes'}`);
  parts.push(`${tokens} tokens`);
  if (blyan.measured !== undefined && blyan.measured.msPerToken > 0) {
    parts.push(`${(1000 / blyan.measured.msPerToken).toFixed(1)} tok/s`);
  }
  if (blyan.measured !== undefined) parts.push(`first after ${blyan.measured.msToFirstToken.toFixed(0)} ms`);
  const lost = blyan.failovers?.length ?? 0;
  if (lost > 0) parts.push(`${lost} ${lost === 1 ? 'node' : 'nodes'} replaced`);
  return `[${parts.join(', ')}]`;
}
