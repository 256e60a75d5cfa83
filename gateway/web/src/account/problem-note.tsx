import { useText } from '../language/index.ts';
import type { Problem } from './problem.ts';
import { problemText } from './text.ts';

/** Says at once what did not work, and what the gateway said where there is nothing better. */
export function ProblemNote({ problem }: { readonly problem: Problem | null }) {
  const t = useText(problemText);
  return (
    <div role="alert" className="account-problem" hidden={problem === null}>
      {problem !== null && <p className="note bad">{t[problem.code]}</p>}
      {problem?.detail && (
        <p className="note" lang="en">
          {problem.detail}
        </p>
      )}
    </div>
  );
}
