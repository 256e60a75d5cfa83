import type { StateAnswer } from '@blyan/api';
import { byLayer, plural } from '../format.ts';
import { peerClass } from './peer-colour.ts';

type NodeState = StateAnswer['nodes'][number];

interface CoverageMapProps {
  readonly nodes: readonly NodeState[];
  /** Labels of the parts nobody hosts, as `trunk:2` and `expert:2.7`. */
  readonly missing: readonly string[];
}

const CELL = 10;
const STEP = 12;
/** More would stall the page; the list of nodes is enough then. */
const MAX_CELLS = 50_000;
const MIN_WIDTH = 120;
/** Height of the line that names the columns. */
const HEAD = 9;
/** Space for the layer's number, then the trunk's cell, then a gap before the experts. */
const TRUNK_X = 12;
const EXPERTS_X = TRUNK_X + STEP + 8;

/** One strip per layer: its trunk, then its experts, each in the colours of the nodes that host it; hollow when nobody does. */
export function CoverageMap({ nodes, missing }: CoverageMapProps) {
  const trunks = new Map<number, string[]>();
  const experts = new Map<string, string[]>();
  for (const { peerId, hosted } of nodes) {
    for (const layer of hosted.layers) add(trunks, layer, peerId);
    for (const label of hosted.experts) add(experts, label, peerId);
  }
  const gaps = missing.filter((label) => label.startsWith('expert:')).map((label) => label.slice('expert:'.length));
  const layers = byLayer([...experts.keys(), ...gaps]);
  const bareTrunks = missing.filter((label) => label.startsWith('trunk:')).map((label) => Number(label.slice(6)));
  const layerCount = 1 + Math.max(-1, ...layers.keys(), ...trunks.keys(), ...bareTrunks);
  const expertCount = 1 + Math.max(-1, ...[...layers.values()].flat());
  if (layerCount === 0 || layerCount * expertCount > MAX_CELLS) return null;
  const width = Math.max(MIN_WIDTH, EXPERTS_X + expertCount * STEP);
  const label = `Who hosts what: ${plural(layerCount, 'layer')} of ${plural(expertCount, 'expert')}, ${missing.length === 0 ? 'all hosted' : 'some missing'}. The list of nodes says the same.`;
  return (
    <svg className="coverage" viewBox={`0 0 ${width} ${HEAD + layerCount * STEP}`} role="img" aria-label={label}>
      <text x={TRUNK_X} y={HEAD - 3}>
        trunk
      </text>
      <text x={EXPERTS_X} y={HEAD - 3}>
        experts
      </text>
      {Array.from({ length: layerCount }, (_, layer) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a layer is its number
        <g key={layer} transform={`translate(0 ${HEAD + layer * STEP})`}>
          <text x={TRUNK_X - 4} y={CELL - 3} textAnchor="end">
            {layer}
          </text>
          <Cell x={TRUNK_X} title={`trunk ${layer}`} holders={trunks.get(layer) ?? []} />
          {Array.from({ length: expertCount }, (_, expert) => {
            const name = `${layer}.${expert}`;
            return (
              <Cell
                key={name}
                x={EXPERTS_X + expert * STEP}
                title={`expert ${name}`}
                holders={experts.get(name) ?? []}
              />
            );
          })}
        </g>
      ))}
    </svg>
  );
}

interface CellProps {
  readonly x: number;
  readonly title: string;
  readonly holders: readonly string[];
}

function Cell({ x, title, holders }: CellProps) {
  if (holders.length === 0) {
    return (
      <rect className="hollow" x={x + 0.5} y={0.5} width={CELL - 1} height={CELL - 1} rx={2}>
        <title>{`${title}: nobody`}</title>
      </rect>
    );
  }
  const width = CELL / holders.length;
  return (
    <g>
      <title>{`${title}: ${plural(holders.length, 'node')}`}</title>
      {holders.map((peerId, at) => (
        <rect
          key={peerId}
          className={peerClass(peerId)}
          x={x + at * width}
          width={width}
          height={CELL}
          rx={holders.length === 1 ? 2 : 0}
        />
      ))}
    </g>
  );
}

function add<K>(map: Map<K, string[]>, key: K, peerId: string): void {
  map.set(key, [...(map.get(key) ?? []), peerId]);
}
