import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverage, devnetHostSpecs, Holdings } from '../src/index.ts';
import { devnet, model } from './network.ts';

const shape = fc.record({ layers: fc.integer({ min: 1, max: 24 }), experts: fc.integer({ min: 1, max: 24 }) });

describe('the nodes of a local network', () => {
  test('the default: three nodes, layers shared out', () => {
    expect(devnetHostSpecs(3, { layerCount: 4, expertCount: 8 })).toEqual([
      'embedding,head,trunk,layers:0-0',
      'trunk,layers:1-1',
      'trunk,layers:2-3',
    ]);
  });

  test('with four nodes neighbours share', () => {
    expect(devnetHostSpecs(4, { layerCount: 4, expertCount: 8 })).toEqual([
      'embedding,head,trunk,layers:0-1',
      'embedding,head,trunk,layers:1-2',
      'trunk,layers:2-3',
      'trunk,layers:0-0,layers:3-3',
    ]);
  });

  test('fewer layers than nodes: ranges of experts; fewer of both: pairs', () => {
    expect(devnetHostSpecs(3, { layerCount: 2, expertCount: 8 })).toEqual([
      'embedding,head,trunk,experts:*.0-1',
      'trunk,experts:*.2-4',
      'trunk,experts:*.5-7',
    ]);
    expect(devnetHostSpecs(3, { layerCount: 2, expertCount: 2 })).toEqual([
      'embedding,head,trunk,experts:0.0-0',
      'trunk,experts:0.1-1',
      'trunk,experts:1.0-1',
    ]);
  });

  test.each([0, 17, 1.5, Number.NaN])('%s nodes are refused', (count) => {
    expect(() => devnetHostSpecs(count, { layerCount: 4, expertCount: 8 })).toThrow(
      expect.objectContaining({ code: 'ERR_ROUTING_NODE_COUNT' }),
    );
  });

  test('cover every model, at every size; node 0 has both ends and every trunk', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), shape, (count, of) => {
        const manifest = model(of);
        const views = devnet(count, manifest);
        expect(coverage(manifest, views)).toEqual({ covered: true, missing: [] });
        const held = views.map((view) => Holdings.of(view, manifest));
        expect(held.every((holdings) => holdings.trunks(0, of.layers - 1))).toBe(true);
        expect(held[0]?.embedding && held[0].head).toBe(true);
        for (let layer = 0; layer < of.layers; layer++) {
          for (let expert = 0; expert < of.experts; expert++) {
            const holders = held.filter((holdings) => holdings.expert(layer, expert)).length;
            expect(holders).toBe(count >= 4 ? 2 : 1);
          }
        }
      }),
    );
  });

  test('from four nodes on, any one of them may go', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 16 }), shape, fc.nat(), (count, of, pick) => {
        const manifest = model(of);
        const gone = pick % count;
        const left = devnet(count, manifest).filter((_, i) => i !== gone);
        expect(coverage(manifest, left).missing).toEqual([]);
      }),
    );
  });
});
