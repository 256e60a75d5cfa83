import type { ModelObject } from '@blyan/api';
import { shortAddress } from './account/account-dialog.tsx';
import { plural } from './format.ts';
import type { Network } from './use-network.ts';

interface HeaderProps {
  readonly network: Network;
  readonly model: ModelObject | undefined;
  readonly onModel: (id: string) => void;
  readonly isPanelOpen: boolean;
  readonly onPanel: () => void;
  /** Of whoever is signed in. */
  readonly address: string | null;
  readonly onAccount: () => void;
  readonly onClear: (() => void) | undefined;
}

export function Header({ network, model, onModel, isPanelOpen, onPanel, address, onAccount, onClear }: HeaderProps) {
  return (
    <header className="header">
      <h1 className="wordmark">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        Blyan
      </h1>
      {network.models.length > 1 ? (
        <select
          className="quiet"
          aria-label="Model"
          value={model?.id}
          onChange={(event) => onModel(event.target.value)}
        >
          {network.models.map(({ id }) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      ) : (
        <span className="model">{model?.id}</span>
      )}
      <span className="spacer" />
      {onClear && (
        <button type="button" className="quiet" onClick={onClear}>
          New
        </button>
      )}
      <button type="button" className="quiet address-button" data-testid="account-toggle" onClick={onAccount}>
        {address === null ? 'Sign in' : shortAddress(address)}
      </button>
      <button
        type="button"
        className="quiet status"
        data-testid="network-toggle"
        aria-expanded={isPanelOpen}
        aria-controls="network"
        onClick={onPanel}
      >
        <Status network={network} />
      </button>
    </header>
  );
}

function Status({ network: { state, problem } }: { readonly network: Network }) {
  if (problem !== null) return <Light tone="bad" text="offline" />;
  if (state === null) return <Light tone="wait" text="connecting" />;
  const nodes = plural(state.nodes.length, 'node');
  return state.notReady === null ? (
    <Light tone="good" text={nodes} />
  ) : (
    <Light tone="wait" text={`${nodes}, not complete`} />
  );
}

function Light({ tone, text }: { readonly tone: 'good' | 'wait' | 'bad'; readonly text: string }) {
  return (
    <>
      <span className={`light ${tone}`} aria-hidden="true" />
      {text}
    </>
  );
}
