/** Tokens per second while all answers were under way. @param answers when each token of each came, milliseconds */
export function overlappingSpeed(answers: readonly (readonly number[])[]): number {
  const from = Math.max(...answers.map((arrivals) => arrivals[0] ?? Number.NaN));
  const to = Math.min(...answers.map((arrivals) => arrivals.at(-1) ?? Number.NaN));
  if (!(to > from)) throw new Error('the answers did not overlap');
  const tokens = answers.flatMap((arrivals) => arrivals.filter((at) => at > from && at <= to)).length;
  return (tokens * 1000) / (to - from);
}
