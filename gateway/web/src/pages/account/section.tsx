import { type ReactNode, type RefObject, useId } from 'react';
import type { Problem } from '../../account/problem.ts';
import { ProblemNote } from '../../account/problem-note.tsx';

interface SectionProps {
  readonly title: string;
  readonly about: string;
  /** Takes the focus when what had it is gone. */
  readonly heading?: RefObject<HTMLHeadingElement | null>;
  readonly problem?: Problem | null;
  readonly outcome?: string | null;
  readonly children: ReactNode;
}

/** A part of the account page: what it is about on the left where there is room, and what became of the last change. */
export function Section({ title, about, heading, problem = null, outcome = null, children }: SectionProps) {
  const id = useId();
  return (
    <section className="account-section" aria-labelledby={id}>
      <div className="account-about">
        <h2 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <p className="note">{about}</p>
      </div>
      <div className="account-body">
        {children}
        <ProblemNote problem={problem} />
        <p className="note good" role="status">
          {outcome}
        </p>
      </div>
    </section>
  );
}
