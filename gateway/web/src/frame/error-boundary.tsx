import { Component, type ReactNode } from 'react';
import { useText } from '../language/index.ts';
import { frameText } from './text.ts';

interface ErrorBoundaryProps {
  readonly location: string;
  readonly children: ReactNode;
}

interface ErrorBoundaryState {
  readonly location: string;
  readonly hasFailed: boolean;
}

/** What fails below it is said in words, and the rest of the page goes on; at another location it is tried again. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override state = { location: this.props.location, hasFailed: false };

  static getDerivedStateFromError(): Partial<ErrorBoundaryState> {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps({ location }: ErrorBoundaryProps, state: ErrorBoundaryState): ErrorBoundaryState {
    return state.location === location ? state : { location, hasFailed: false };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const t = useText(frameText);
  return (
    <div className="page" role="alert">
      <p>{t.broken}</p>
      <button type="button" className="quiet" onClick={() => location.reload()}>
        {t.reload}
      </button>
    </div>
  );
}
