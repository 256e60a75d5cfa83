import { expect, test } from 'vitest';
import { runFailoverDrill } from '../../scripts/drill/failover/drill.ts';
import type { FaultName } from '../../scripts/drill/failover/faults.ts';
import type { Role } from '../../scripts/drill/failover/layout.ts';

// Two faults and one on the golden model, garbage is in e2e/stages; `npm run drill:failover` has more of them, larger models and a clock.
test.each<[Role, FaultName[]]>([
  ['stage', ['kill', 'stop']],
  ['delegate', ['kill']],
])('a node with role %s is lost in mid-answer (%s) and costs no token', async (role, faults) => {
  const sizes = { promptTokens: 24, answerTokens: 200, workDir: '' };
  const reports = await runFailoverDrill(
    { kills: faults.length, faults, role, model: 'golden', speculation: 'off', seed: 7, ...sizes },
    { say: () => {}, onFault: () => {}, signal: new AbortController().signal },
  );
  const problems = faults.map((fault) => ({ fault, problems: [] }));
  expect(reports.map(({ fault, problems }) => ({ fault, problems }))).toEqual(problems);
});
