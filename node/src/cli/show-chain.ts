import type { BlockSummary, ChainHeadAnswer } from '@blyan/api';
import { printable } from './output.ts';

/** A chain whose records wait longer than this does not move: finality takes far less. */
const STALLED_MS = 10_000;

/** `moves`, `quiet` (nothing waits), or what holds it up. */
export function movement(head: ChainHeadAnswer): string {
  const { pending, waitingMs } = head;
  if (pending === 0) return 'quiet: no record waits';
  const waiting = `${pending} ${pending === 1 ? 'record waits' : 'records wait'}, ${seconds(waitingMs)} without a block`;
  return isStalled(head) ? `stands still: ${waiting}` : `moves: ${waiting}`;
}

/** Whether records wait in vain: more than a third of the validators are away, or cut off. */
export function isStalled({ pending, waitingMs }: ChainHeadAnswer): boolean {
  return pending > 0 && waitingMs >= STALLED_MS;
}

/** `4 validators, this node is one`. */
export function validatorsOf({ validators, validates }: ChainHeadAnswer): string {
  return `${validators} ${validators === 1 ? 'validator' : 'validators'}, this node is ${validates ? 'one' : 'none'}`;
}

export function describeTime(timeMs: number): string {
  // The genesis block may say 0.
  return timeMs === 0 ? 'none' : new Date(timeMs).toISOString();
}

/** Lines of a block, without its records. */
export function describeBlock(block: BlockSummary): string[] {
  return [
    `height     ${block.height}`,
    `hash       ${printable(block.hash)}`,
    `parent     ${printable(block.parent)}`,
    `time       ${describeTime(block.timeMs)}`,
    `epoch      ${block.epoch}, view ${block.view}, proposed by validator ${block.proposer}`,
    `records    ${block.recordCount}`,
    `state root ${printable(block.stateRoot)}`,
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
