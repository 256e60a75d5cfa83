import { useRef } from 'react';
import { useText } from '../../language/index.ts';
import { CopyButton } from './copy-button.tsx';
import { chatText } from './text.ts';

const MAX_LANGUAGE = 24;

interface CodeBlockProps {
  readonly text: string;
  /** What stands behind the fence. */
  readonly language: string | undefined;
}

export function CodeBlock({ text, language }: CodeBlockProps) {
  const t = useText(chatText);
  const code = useRef<HTMLElement>(null);
  const name = (language ?? '').split(/\s/, 1)[0]?.slice(0, MAX_LANGUAGE);
  return (
    <div className="code">
      <div className="code-head">
        <span>{name}</span>
        <CopyButton text={text} source={code} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className="scroller" tabIndex={0} aria-label={t.code}>
        <pre>
          <code ref={code}>{text}</code>
        </pre>
      </section>
    </div>
  );
}
