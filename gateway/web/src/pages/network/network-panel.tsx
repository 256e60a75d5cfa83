import type { StateAnswer } from '@blyan/api';
import { formatMs, plural, ranges, shortPeer } from '../../format.ts';
import { CoverageMap } from '../../network/coverage-map.tsx';
import { peerClass } from '../../network/peer-colour.ts';
import type { Network } from '../../network/use-network.tsx';

type NodeState = StateAnswer['nodes'][number];

interface NetworkPanelProps {
  readonly network: Network;
  /** Root of the model whose coverage is shown. */
  readonly root: string | undefined;
}

export function NetworkPanel({ network: { state, problem }, root }: NetworkPanelProps) {
  const model = state?.models.find((one) => one.root === root);
  return (
    <div data-testid="network">
      {problem && (
        <p className="note bad" role="status">
          {problem} Is it still running?
        </p>
      )}
      {state?.notReady && <p className="note">{state.notReady}</p>}
      {state && model && (
        <section>
          <h3>{model.name}</h3>
          <p className="note">
            {plural(model.blocks, 'block')}, {model.covered ? 'all hosted' : `${model.missing.length} missing`}
          </p>
          <CoverageMap nodes={state.nodes} missing={model.missing} />
          {model.missing.length > 0 && <p className="note bad">Missing: {model.missing.slice(0, 12).join(', ')}</p>}
        </section>
      )}
      {state && (
        <section>
          <h3>{plural(state.nodes.length, 'node')}</h3>
          <ul className="nodes">
            {state.nodes.map((node) => (
              <NodeCard key={node.peerId} node={node} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function NodeCard({ node }: { readonly node: NodeState }) {
  const { hosted } = node;
  const parts = [
    hosted.embedding && 'embedding',
    hosted.layers.length > 0 && `trunk ${ranges(hosted.layers)}`,
    hosted.experts.length > 0 && plural(hosted.experts.length, 'expert'),
    hosted.head && 'head',
  ].filter(Boolean);
  return (
    <li className="node" data-testid="node" data-peer={node.peerId}>
      <div className="node-head">
        <span className={`dot ${peerClass(node.peerId)}`} aria-hidden="true" />
        <b title={node.peerId}>{shortPeer(node.peerId)}</b>
        {node.self && <span className="tag">this gateway</span>}
        {node.active > 0 && <span className="tag busy">{node.active} active</span>}
        <span className="spacer" />
        <span>{node.self ? '' : node.rttMs === null ? 'measuring' : formatMs(node.rttMs)}</span>
      </div>
      <p className="note">{parts.length > 0 ? parts.join(' · ') : 'hosts nothing yet'}</p>
      <p className="note fine" title={node.profile}>
        tier {node.tier} · host {node.host}
      </p>
    </li>
  );
}
