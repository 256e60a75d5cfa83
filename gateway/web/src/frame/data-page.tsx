import type { ReactNode } from 'react';
import '../styles/data.css';
import { Page } from './page-frame.tsx';

interface DataPageProps {
  readonly title: string;
  readonly children: ReactNode;
}

/** A page of tables and facts. */
export function DataPage({ title, children }: DataPageProps) {
  return (
    <Page title={title}>
      <div className="data">{children}</div>
    </Page>
  );
}
