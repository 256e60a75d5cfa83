import { expect, test } from 'vitest';
import { runFailoverDrill } from '../../scripts/drill/failover/drill.ts';
import type { FaultName } from '../../scripts/drill/failover/faults.ts';
import type { Role } from '../../scripts/drill/failover/layout.ts';

// A few faults of each kind on the golden model; `npm run drill:failover` has more of them, larger models and a clock.
test.each<[FaultName, Role, number]>([
  ['kill', 'stage', 2],
  ['kill', 'delegate', 1],
  ['stop', 'experts', 1],
  ['garbage', 'stage', 1],
])('%s of a node with role %s costs no token', { timeout: 120_000 }, async (fault, role, kills) => {
  const sizes = { promptTokens: 24, answerTokens: 24, workDir: '' };
  const reports = await runFailoverDrill(
    { kills, fault, role, model: 'golden', speculation: 'off', seed: 7, ...sizes },
    { say: () => {}, onFault: () => {}, signal: new AbortController().signal },
  );
  expect(reports.map(({ problems }) => problems)).toEqual(Array.from({ length: kills }, () => []));
});
