import { expect, it } from 'vitest';
import {
  type Ballot,
  decodeEvidence,
  encodeEvidence,
  nobleSuite,
  slashable,
  type Vote,
  verifyEvidence,
} from '../src/index.ts';
import { committee, hashOf, NETWORK, voteOf } from './support.ts';

const FINALISE: Ballot = { kind: 'finalise', epoch: 3, view: 12, block: hashOf(0xbb) };
const NOTARISE: Ballot = { ...FINALISE, kind: 'notarise' };
const DUMMY: Ballot = { kind: 'dummy', epoch: 3, view: 12, block: null };
const block = hashOf(0xaa);
const { set, seeds } = committee(4);
const vote = (ballot: Ballot, validator = 1) => voteOf(ballot, validator, seeds[validator] as Uint8Array);
const failing = (code: string) => expect.objectContaining({ code, kind: 'peer' });

it.each<[string, Vote, Vote]>([
  ['finalise and dummy', vote(FINALISE), vote(DUMMY)],
  ['two blocks notarised', vote(NOTARISE), vote({ ...NOTARISE, block })],
  ['two blocks finalised', vote(FINALISE), vote({ ...FINALISE, block })],
])('evidence: %s in one view, in whatever order they came', (_, a, b) => {
  const evidence = slashable(a, b);
  if (evidence === null) throw new Error('not slashable');
  expect(slashable(b, a)).toEqual(evidence);
  verifyEvidence(evidence, set, NETWORK, nobleSuite);
  expect(decodeEvidence(encodeEvidence(evidence))).toEqual(evidence);
  const turned = { first: evidence.second, second: evidence.first };
  expect(() => decodeEvidence(encodeEvidence(turned))).toThrowError(failing('ERR_EVIDENCE'));
  const forged = { ...evidence, second: { ...evidence.second, signature: evidence.first.signature } };
  expect(() => verifyEvidence(forged, set, NETWORK, nobleSuite)).toThrowError(failing('ERR_VOTE_SIGNATURE'));
  expect(() => verifyEvidence(evidence, set, hashOf(1), nobleSuite)).toThrowError(failing('ERR_VOTE_SIGNATURE'));
});

it.each<[string, Vote, Vote]>([
  ['a vote twice', vote(NOTARISE), vote(NOTARISE)],
  ['notarise, then finalise', vote(NOTARISE), vote(FINALISE)],
  ['notarise, then dummy', vote(NOTARISE), vote(DUMMY)],
  ['notarise of one block of a leader with two, finalise of the other', vote({ ...NOTARISE, block }), vote(FINALISE)],
  ['blocks in two views', vote(FINALISE), vote({ ...FINALISE, view: 13, block })],
  ['finalise and dummy in two epochs', vote(FINALISE), vote({ ...DUMMY, epoch: 4 })],
  ['votes of two validators', vote(FINALISE), vote(DUMMY, 2)],
])('no evidence: %s', (_, a, b) => {
  expect(slashable(a, b)).toBeNull();
  expect(() => verifyEvidence({ first: a, second: b }, set, NETWORK, nobleSuite)).toThrowError(failing('ERR_EVIDENCE'));
});
