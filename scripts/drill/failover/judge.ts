import type { Failover } from '@blyan/interface';
import type { FaultName } from './faults.ts';
import type { Role } from './layout.ts';

export interface JudgedAnswer {
  readonly tokens: readonly number[];
  readonly failovers: readonly Failover[];
}

export interface Expectation {
  /** Tokens of the same request without a fault. */
  readonly tokens: readonly number[];
  readonly victim: string;
  /** The only node that may compute rows again. */
  readonly spare: string;
  readonly role: Role;
  readonly fault: FaultName;
  readonly promptTokens: number;
  readonly layerCount: number;
}

/** What is wrong with an answer that a fault hit, as sentences; none when it is as promised. */
export function judge(answer: JudgedAnswer, expected: Expectation): string[] {
  const problems: string[] = [];
  const at = answer.tokens.findIndex((token, index) => token !== expected.tokens[index]);
  if (at >= 0 || answer.tokens.length !== expected.tokens.length) {
    problems.push(
      `the tokens differ from token ${at} on: ${answer.tokens.slice(at, at + 4)} instead of ${expected.tokens.slice(at, at + 4)}`,
    );
  }
  const ofVictim = answer.failovers.filter(({ peerId }) => peerId === expected.victim);
  const ofOthers = answer.failovers.filter(({ peerId }) => peerId !== expected.victim);
  if (ofOthers.length > 0) problems.push(`sound nodes were replaced: ${JSON.stringify(ofOthers)}`);
  // A call to an expert goes to another holder without anything being replaced, and a slow node may be through in time.
  const fewest = expected.role === 'experts' || expected.fault === 'slow' ? 0 : 1;
  if (ofVictim.length < fewest || ofVictim.length > 1)
    problems.push(`${ofVictim.length} failovers of the node that failed instead of 1`);
  for (const failover of ofVictim) problems.push(...rowProblems(failover, expected));
  return problems;
}

/**
 * The rows a replacement computes. A stage or delegate: every position the lost one had taken when token t was being
 * computed, that is, the prompt and the t - 1 tokens before the one that was fed in. A holder of experts keeps nothing, so
 * that no more is lost than the row it was asked about, in each layer that asks before the loss is known.
 */
function rowProblems({ atToken, rowsRecomputed }: Failover, expected: Expectation): string[] {
  const rows = Object.entries(rowsRecomputed).filter(([, count]) => count > 0);
  const survivors = rows.filter(([peerId]) => peerId !== expected.spare);
  const problems = survivors.map(([peerId, count]) => `the survivor ${peerId} computed ${count} rows again`);
  const lost = expected.promptTokens + atToken - 1;
  const [least, most] = expected.role === 'experts' ? [0, expected.layerCount] : [lost, lost];
  const spare = rowsRecomputed[expected.spare] ?? 0;
  if (spare < least || spare > most) problems.push(`the spare computed ${spare} rows again instead of ${most}`);
  return problems;
}

/** The longest the client waited for a token at or after the moment of the fault, milliseconds. */
export function clientGapMs(arrivalsMs: readonly number[], faultAtMs: number): number {
  let longest = 0;
  for (let i = 1; i < arrivalsMs.length; i++) {
    const [before, after] = [arrivalsMs[i - 1] as number, arrivalsMs[i] as number];
    if (after >= faultAtMs) longest = Math.max(longest, after - before);
  }
  return longest;
}

/** @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
