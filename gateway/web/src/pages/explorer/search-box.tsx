import { type SyntheticEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { client } from '../../client.ts';
import { useText } from '../../language/index.ts';
import { problemOf } from './parts.tsx';
import { searchTarget } from './search-target.ts';
import { explorerText } from './text.ts';

const PATIENCE_MS = 10_000;

/** Goes to the block, record, account or node that somebody names. */
export function SearchBox() {
  const t = useText(explorerText);
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const search = async (event: SyntheticEvent) => {
    event.preventDefault();
    setProblem(null);
    try {
      const path = await searchTarget(text, client.chain, AbortSignal.timeout(PATIENCE_MS));
      if (path === null) return setProblem(t.searchNothing);
      setText('');
      navigate(path);
    } catch (error) {
      setProblem(problemOf(error as Error, t).sentence);
    }
  };
  return (
    <search>
      <form className="search" onSubmit={search}>
        <label className="hidden" htmlFor="search">
          {t.searchHint}
        </label>
        <input
          id="search"
          type="search"
          autoComplete="off"
          spellCheck={false}
          placeholder={t.searchHint}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="quiet">
          {t.search}
        </button>
      </form>
      {problem !== null && (
        <p className="note bad" role="alert">
          {problem}
        </p>
      )}
    </search>
  );
}
