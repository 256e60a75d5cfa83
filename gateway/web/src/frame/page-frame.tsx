import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useLocation } from 'wouter';

interface PageProps {
  /** Names the page in the browser's title and in its first heading. */
  readonly title: string;
  readonly children: ReactNode;
}

// Not at the first page of a visit: the browser reads that one from its beginning.
const entry = window.location.pathname;
let hasMoved = false;

/** A page other than the chat: its heading, and what stands below. Going to it moves the focus there, so that it is read out. */
export function Page({ title, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  useTitle(title);
  useFocusOnArrival(heading);
  return (
    <section className="page" aria-labelledby={id}>
      <h1 ref={heading} id={id} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </section>
  );
}

/** The title of the browser's window. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Blyan`;
  }, [title]);
}

function useFocusOnArrival(target: { readonly current: HTMLElement | null }): void {
  const [location] = useLocation();
  useEffect(() => {
    if (location !== entry) hasMoved = true;
    if (hasMoved) target.current?.focus();
  }, [location, target]);
}
