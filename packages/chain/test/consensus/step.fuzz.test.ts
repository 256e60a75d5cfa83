import { type BlockOutline, decodeVote, slashable, type Vote } from '@blyan/chain-format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUTURE_VIEWS } from '../../src/consensus/ballots.ts';
import { restoreJournal } from '../../src/consensus/journal.ts';
import type { ConsensusMessage } from '../../src/consensus/messages.ts';
import { heldItems } from '../../src/consensus/state.ts';
import type { SimplexEffects } from '../../src/index.ts';
import { blockOf, certificate, DELTA_MS, GENESIS, leaderIn, Machine, others, proposal, vote } from './fixture.ts';

const SELF = leaderIn(3);
const VIEWS = [1, 2, 3, 4, 5];

/** Two blocks of each view on the genesis block, and one on every block of the views before. */
const blocks: BlockOutline[] = [];
for (const view of VIEWS) {
  const below = blocks.filter(({ header }) => header.view < view && header.height < 3);
  blocks.push(blockOf(view), blockOf(view, GENESIS, { timeMs: 2 }), ...below.map((parent) => blockOf(view, parent)));
}

/** Whatever three of four validators can say that may be heard: all of them lie, so every certificate is to be had. */
const messages: (readonly [from: number, message: ConsensusMessage])[] = [];
for (const view of VIEWS) {
  const found = blocks.filter(({ header }) => header.view === view).slice(0, 4);
  const ballots = [
    { kind: 'dummy' as const, block: null },
    ...found.flatMap(({ hash }) => (['notarise', 'finalise'] as const).map((kind) => ({ kind, block: hash }))),
  ];
  for (const { kind, block } of ballots) {
    for (const validator of others(SELF)) {
      messages.push([validator, { type: 'vote', vote: vote(kind, view, block, validator) }]);
    }
    const whole = certificate(kind, view, block, others(SELF));
    messages.push([others(SELF)[0] as number, { type: 'certificate', certificate: whole }]);
  }
  const leader = leaderIn(view);
  if (leader !== SELF) for (const block of found) messages.push([leader, proposal(block)]);
  messages.push([others(SELF)[1] as number, { type: 'status', epoch: 0, view, height: view % 3, wants: [1, 2] }]);
}

const deed = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('hear' as const), nth: fc.nat(messages.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), deltas: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('block' as const), nth: fc.nat(blocks.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('build' as const), nth: fc.nat(blocks.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

/** Does one thing, and answers what the machine asks for as far as it can be known. */
function perform(
  machine: Machine,
  found: Exclude<typeof deed extends fc.Arbitrary<infer T> ? T : never, { do: 'crash' }>,
) {
  switch (found.do) {
    case 'hear':
      return machine.hear(...(messages[found.nth] as (typeof messages)[number]));
    case 'wait':
      return machine.after(found.deltas * DELTA_MS);
    case 'block':
      return machine.on({ type: 'block', block: blocks[found.nth] as BlockOutline });
    case 'build': {
      const block = blocks[found.nth] as BlockOutline;
      return machine.on({ type: 'built', view: block.header.view, block });
    }
  }
}

function settle(machine: Machine, first: SimplexEffects): SimplexEffects[] {
  const all = [first];
  for (let at = 0; at < all.length && machine.state.done === false; at++) {
    for (const { hash, header } of (all[at] as SimplexEffects).judge) {
      // Some blocks are not what they say.
      all.push(machine.on({ type: 'judged', hash, valid: header.timeMs !== 2 || header.view % 2 === 0 }));
    }
  }
  return all;
}

function restart(before: Machine): readonly [Machine, SimplexEffects[]] {
  const machine = new Machine({ ...before.config, head: headOf(before) });
  for (const [key, value] of before.journal) machine.journal.set(key, value);
  restoreJournal(
    machine.state,
    [...before.journal].filter(([key]) => !key.startsWith('c/evidence')),
  );
  machine.nowMs = before.nowMs;
  return [machine, [machine.on({ type: 'pending', pending: true }), machine.on({ type: 'started' })]];
}

const headOf = ({ state }: Machine): BlockOutline => blocks.find(({ hash }) => hash === state.base.hash) ?? GENESIS;

test('whatever the other three do, and whenever it crashes, a validator says nothing slashable, and remembers little', () => {
  fc.assert(
    fc.property(fc.array(deed, { minLength: 10, maxLength: 60 }), (deeds) => {
      let machine = Machine.started({ self: SELF });
      const said: Vote[] = [];
      for (const found of deeds) {
        let all: SimplexEffects[];
        if (found.do === 'crash') [machine, all] = restart(machine);
        else all = settle(machine, perform(machine, found));
        for (const effects of all) {
          for (const { key, value } of effects.writes) {
            if (!key.includes('/v/') || value === null) continue;
            // Written and synced before anything leaves.
            expect(effects.sync).toBe(true);
            said.push(decodeVote(value));
          }
          for (const { message } of effects.sends) {
            if (message.type !== 'vote' && message.type !== 'proposal') continue;
            expect(said).toContainEqual(message.vote);
          }
          if (effects.fatal !== null) return;
        }
        // Views, their votes and certificates, blocks, and what is asked for.
        expect(heldItems(machine.state)).toBeLessThan((FUTURE_VIEWS + 6) * (1 + 3 * 4 + 3) + 2 * blocks.length);
      }
      for (const a of said) for (const b of said) expect(slashable(a, b)).toBeNull();
    }),
    { numRuns: 80 },
  );
});

test('the same events give the same effects', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
      const machines = [Machine.started({ self: SELF }), Machine.started({ self: SELF })] as const;
      for (const found of deeds) {
        if (found.do === 'crash') continue;
        const [a, b] = machines.map((machine) => settle(machine, perform(machine, found)));
        expect(a).toEqual(b);
      }
    }),
    { numRuns: 20 },
  );
});
