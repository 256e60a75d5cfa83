import type { Coverage } from './coverage.ts';

/** What the map says in words. */
export interface CoverageTexts {
  readonly label: string;
  readonly trunk: string;
  readonly experts: string;
  readonly partOf: (part: string, holders: number) => string;
}

interface CoverageMapProps {
  readonly coverage: Coverage;
  readonly texts: CoverageTexts;
  /** Only what this node hosts is filled. */
  readonly only?: string;
}

const CELL = 10;
const STEP = 12;
/** Pixels of the page per unit of the drawing, where there is room. */
const SCALE = 1.7;
/** More would stall the page; the table says the same. */
const MAX_CELLS = 20_000;
/** Height of the line that names the columns. */
const HEAD = 11;
/** Space for the layer's number, then the trunk's cell, then a gap before the experts. */
const TRUNK_X = 16;
const EXPERTS_X = TRUNK_X + STEP + 16;
const MIN_WIDTH = EXPERTS_X + 4 * STEP;
/** So many nodes or more are shown the same. */
const MANY = 3;

/** One strip per layer: its trunk, then its experts, the darker the more nodes host it; hollow when nobody does. */
export function CoverageMap({ coverage: { layers, expertCount }, texts, only }: CoverageMapProps) {
  if (layers.length === 0 || layers.length * (expertCount + 1) > MAX_CELLS) return null;
  const width = Math.max(MIN_WIDTH, EXPERTS_X + expertCount * STEP);
  const height = HEAD + layers.length * STEP;
  return (
    <svg
      className="coverage"
      viewBox={`0 0 ${width} ${height}`}
      width={width * SCALE}
      height={height * SCALE}
      role="img"
      aria-label={texts.label}
    >
      <text x={TRUNK_X} y={HEAD - 4}>
        {texts.trunk}
      </text>
      <text x={EXPERTS_X} y={HEAD - 4}>
        {texts.experts}
      </text>
      {layers.map(({ layer, trunk, experts }) => (
        <g key={layer} transform={`translate(0 ${HEAD + layer * STEP})`}>
          <text x={TRUNK_X - 4} y={CELL - 2.5} textAnchor="end">
            {layer}
          </text>
          <Cell x={TRUNK_X} name={`${texts.trunk} ${layer}`} holders={trunk} texts={texts} only={only} />
          {experts.map((holders, expert) => (
            <Cell
              // biome-ignore lint/suspicious/noArrayIndexKey: an expert is its number
              key={expert}
              x={EXPERTS_X + expert * STEP}
              name={`${layer}.${expert}`}
              holders={holders}
              texts={texts}
              only={only}
            />
          ))}
        </g>
      ))}
    </svg>
  );
}

interface CellProps {
  readonly x: number;
  readonly name: string;
  readonly holders: readonly string[];
  readonly texts: CoverageTexts;
  readonly only: string | undefined;
}

function Cell({ x, name, holders, texts, only }: CellProps) {
  const isOwn = only === undefined || holders.includes(only);
  const shade = holders.length === 0 ? 'hollow' : isOwn ? `held-${Math.min(MANY, holders.length)}` : 'elsewhere';
  const inset = shade === 'hollow' || shade === 'elsewhere' ? 0.5 : 0;
  return (
    <rect
      className={shade}
      x={x + inset}
      y={inset}
      width={CELL - 2 * inset}
      height={CELL - 2 * inset}
      rx={2}
      data-held={holders.length}
    >
      <title>{texts.partOf(name, holders.length)}</title>
    </rect>
  );
}
