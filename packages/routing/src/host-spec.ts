import { RoutingError } from './errors.ts';

/** Inclusive ranges; `layer: null` in `experts` means every layer. */
export type HostItem =
  | { readonly part: 'trunk' | 'embedding' | 'head' }
  | { readonly part: 'layers'; readonly first: number; readonly last: number }
  | { readonly part: 'experts'; readonly layer: number | null; readonly first: number; readonly last: number };

export type HostList = { readonly kind: 'list'; readonly items: readonly HostItem[] };
export type FixedHostSpec = { readonly kind: 'all' } | { readonly kind: 'none' } | HostList;
/** What a node is to host: everything, nothing, these parts, or what `autoPlacement` finds. */
export type HostSpec = { readonly kind: 'auto' } | FixedHostSpec;

const MAX_TEXT = 4_096;
const MAX_ITEMS = 256;
const LAYERS = /^layers:(\d{1,6})(?:-(\d{1,6}))?$/;
const EXPERTS = /^experts:(\*|\d{1,6})\.(\d{1,6})(?:-(\d{1,6}))?$/;

/**
 * Reads `auto | all | none |` a comma list of `trunk`, `embedding`, `head`, `layers:A[-B]` (trunk and experts of these
 * layers), `experts:L.E[-F]` and `experts:*.E[-F]`. With a spec, ranges are checked against the model.
 *
 * @throws RoutingError ERR_ROUTING_HOST_SPEC, `meta.part` is the part that is wrong
 */
export function parseHostSpec(text: string, spec?: { layerCount: number; expertCount: number }): HostSpec {
  if (text.length > MAX_TEXT) throw bad(text.slice(0, 32), `it is longer than ${MAX_TEXT} characters`);
  const trimmed = text.trim();
  if (trimmed === 'auto' || trimmed === 'all' || trimmed === 'none') return { kind: trimmed };
  const parts = trimmed.split(',');
  if (parts.length > MAX_ITEMS) throw bad(trimmed.slice(0, 32), `it has more than ${MAX_ITEMS} parts`);
  const hostSpec: HostList = { kind: 'list', items: parts.map((part) => parseItem(part.trim())) };
  if (spec !== undefined) checkHostSpec(hostSpec, spec);
  return hostSpec;
}

function parseItem(part: string): HostItem {
  if (part === 'trunk' || part === 'embedding' || part === 'head') return { part };
  const layers = LAYERS.exec(part);
  if (layers !== null) return { part: 'layers', ...range(part, layers[1], layers[2]) };
  const experts = EXPERTS.exec(part);
  if (experts !== null) {
    const layer = experts[1] === '*' ? null : Number(experts[1]);
    return { part: 'experts', layer, ...range(part, experts[2], experts[3]) };
  }
  if (part === 'auto' || part === 'all' || part === 'none') throw bad(part, 'it stands alone, not in a list');
  throw bad(part, 'use trunk, embedding, head, layers:A-B, experts:L.E-F or experts:*.E-F');
}

function range(part: string, from: string | undefined, to: string | undefined): { first: number; last: number } {
  const first = Number(from);
  const last = to === undefined ? first : Number(to);
  if (last < first) throw bad(part, 'the range ends before it begins');
  return { first, last };
}

/**
 * Checks every range against a model.
 * @throws RoutingError ERR_ROUTING_HOST_SPEC, `meta.part` is the part outside the model
 */
export function checkHostSpec(hostSpec: HostSpec, spec: { layerCount: number; expertCount: number }): void {
  if (hostSpec.kind !== 'list') return;
  const within = (item: HostItem, value: number, count: number, noun: string) => {
    if (value >= count) throw bad(formatItem(item), `the model has ${noun} 0-${count - 1}`);
  };
  for (const item of hostSpec.items) {
    if (item.part === 'layers') within(item, item.last, spec.layerCount, 'layers');
    if (item.part !== 'experts') continue;
    within(item, item.layer ?? 0, spec.layerCount, 'layers');
    within(item, item.last, spec.expertCount, 'experts');
  }
}

/** The SPEC text of a host spec; parsing it gives the same spec again. */
export function formatHostSpec(hostSpec: HostSpec): string {
  return hostSpec.kind === 'list' ? hostSpec.items.map(formatItem).join(',') : hostSpec.kind;
}

function formatItem(item: HostItem): string {
  if (item.part === 'layers') return `layers:${formatRange(item.first, item.last)}`;
  if (item.part === 'experts') return `experts:${item.layer ?? '*'}.${formatRange(item.first, item.last)}`;
  return item.part;
}

function formatRange(first: number, last: number): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

function bad(part: string, why: string): RoutingError {
  return new RoutingError('ERR_ROUTING_HOST_SPEC', `Host spec part "${part}" cannot be used: ${why}.`, {
    meta: { part },
  });
}
