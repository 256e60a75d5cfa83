import { z } from 'zod';

const count = z.int().nonnegative();
const permille = z.int().min(0).max(1_000);
/** BLY in base units of 10^-18, decimal text without leading zeros. */
const amount = z.string().regex(/^(0|[1-9]\d{0,38})$/);
const range = z.strictObject({ min: count, max: count }).refine(({ min, max }) => min <= max, 'min exceeds max');
const sums = (total: number) => (shares: Readonly<Record<string, number>>) =>
  Object.values(shares).reduce((sum, share) => sum + share, 0) === total;

const tier = z.strictObject({
  toxicityBelowPermille: permille,
  duplicatesBelowPermille: permille,
  approvalPermille: permille,
  mixPermille: permille,
  weightPermille: permille,
});
const standing = z.strictObject({ uploadsPerDay: count, inferencesPerHour: count });
const vesting = z.strictObject({ cliff: count, total: count });

/**
 * The machine-readable parameters of the Genesis Pact. Integers and text only, so that they have canonical bytes. Shares
 * that divide something up add up to a whole; a vote's phases fill its period.
 */
export const pactSchema = z.strictObject({
  version: z.literal(1),
  network: z.literal('blyan'),
  established: z.iso.date(),
  principles: z.array(z.string().min(1).max(64)).min(1).max(16),
  voting: z
    .strictObject({
      periodSeconds: count,
      commitSeconds: count,
      revealSeconds: count,
      votesPerIdentity: z.literal(1),
      stakePerVote: z.literal('0'),
      quorumPermille: permille,
      quorumMinimum: count,
      appealSeconds: count,
      pactMajorityPermille: permille,
      pactReviewSeconds: count,
    })
    .refine((voting) => voting.commitSeconds + voting.revealSeconds === voting.periodSeconds, {
      message: 'commitSeconds and revealSeconds do not add up to periodSeconds',
    }),
  data: z.strictObject({
    licences: z.array(z.string().min(1).max(64)).min(1).max(64),
    auditSeconds: count,
    evaluationTimeoutMs: count,
    maxDuplicatePermille: permille,
    tiers: z
      .strictObject({ gold: tier, silver: tier, experimental: tier })
      .refine(
        ({ gold, silver, experimental }) => gold.mixPermille + silver.mixPermille + experimental.mixPermille === 1_000,
        {
          message: 'the mixPermille of the tiers do not add up to 1000',
        },
      ),
  }),
  uploads: z.strictObject({
    workBits: z.int().min(0).max(64),
    workRetargetBlocks: count,
    minIntervalSeconds: count,
    maxBurstPerDay: count,
  }),
  chat: z.strictObject({ workBits: z.int().min(0).max(64), workLifetimeSeconds: count }),
  standing: z.strictObject({
    newcomer: standing,
    trusted: standing,
    expert: standing,
    trustedAfterSuccesses: count,
    expertAfterSuccesses: count,
    demoteAfterFailures: count,
  }),
  learning: z.strictObject({
    minBlockGainPermille: permille,
    minDeltaGainPermille: permille,
    minPerplexityGainPermille: permille,
    confidencePermille: permille,
    verifiers: count,
    challengeSeconds: count,
    evaluationSeconds: count,
  }),
  chain: z.strictObject({
    consensus: z.literal('simplex'),
    maxBlockBytes: count,
    validatorMinStake: amount,
    transactionFeePermille: permille,
    feeRecipient: z.literal('validators'),
  }),
  supply: z.strictObject({
    symbol: z.literal('BLY'),
    decimals: z.literal(18),
    cap: amount,
    maxMintPerYear: amount,
    allocationPermille: z
      .strictObject({
        community: permille,
        foundation: permille,
        team: permille,
        investors: permille,
        ecosystem: permille,
      })
      .refine(sums(1_000), 'the allocations do not add up to 1000'),
    vestingMonths: z.strictObject({ team: vesting, investors: vesting }),
  }),
  rewards: z.strictObject({
    perThousandTokens: amount,
    perPercentImprovement: amount,
    perValidation: amount,
    perDataGigabyte: amount,
    maxPerDataset: amount,
    qualityPermille: range,
    difficultyPermille: range,
    applicabilityPermille: range,
    bucketPermille: z
      .strictObject({ inference: permille, learning: permille, validation: permille, data: permille })
      .refine(sums(1_000), 'the buckets do not add up to 1000'),
  }),
});
export type PactParams = z.infer<typeof pactSchema>;
