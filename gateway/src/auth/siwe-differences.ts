import type { ParsedSiwe, SiweFields } from './siwe-message.ts';

/** The first field in which a signed message is not the challenge that was given, or null. A field ours lack counts. */
export function differingField(signed: ParsedSiwe, given: SiweFields): string | null {
  const expected: ParsedSiwe = {
    ...given,
    version: '1',
    scheme: undefined,
    notBefore: undefined,
    requestId: undefined,
    resources: undefined,
  };
  const fields = Object.keys(expected) as (keyof ParsedSiwe)[];
  return fields.find((field) => signed[field] !== expected[field]) ?? null;
}
