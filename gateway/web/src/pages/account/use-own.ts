import { useCallback, useEffect, useRef, useState } from 'react';
import { useAccount } from '../../account/account-context.tsx';
import { isSignedOut, type Problem, problemOf } from '../../account/problem.ts';

/** Something of the account that the page shows and changes. */
export interface Own<T> {
  /** Null until it has come. */
  readonly value: T | null;
  readonly problem: Problem | null;
  /** What the last change did, as a sentence. */
  readonly outcome: string | null;
  readonly isBusy: boolean;
  /** Does something and asks for the value again. @returns what it did, as a sentence @param work */
  change(work: () => Promise<string>): Promise<void>;
  /** Does something else, whose problems are told in the same place. */
  attempt(work: (signal: AbortSignal) => Promise<void>): Promise<void>;
}

/** @param load always the same function */
export function useOwn<T>(load: (signal: AbortSignal) => Promise<T>): Own<T> {
  const { refresh } = useAccount();
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [outcome, setOutcome] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const gone = useRef<AbortController>(null);

  const attempt = useCallback(
    async (work: (signal: AbortSignal) => Promise<void>) => {
      const signal = gone.current?.signal;
      if (signal === undefined || signal.aborted) return;
      setBusy(true);
      setProblem(null);
      try {
        await work(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isSignedOut(error)) refresh();
        setProblem(problemOf(error));
      } finally {
        if (!signal.aborted) setBusy(false);
      }
    },
    [refresh],
  );

  useEffect(() => {
    const controller = new AbortController();
    gone.current = controller;
    void attempt(async (signal) => setValue(await load(signal)));
    return () => controller.abort();
  }, [attempt, load]);

  const change = (work: () => Promise<string>) =>
    attempt(async (signal) => {
      setOutcome(null);
      setOutcome(await work());
      setValue(await load(signal));
    });
  return { value, problem, outcome, isBusy, change, attempt };
}
