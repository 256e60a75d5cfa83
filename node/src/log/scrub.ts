/** Secrets that can be told by their form, and what stands in a log in their place. */
const FORMS: readonly (readonly [form: RegExp, shown: string])[] = [
  // API keys of gateways, and whatever else a client sent as its key.
  [/bly_sk_[\w-]+/g, 'bly_sk_[hidden]'],
  [/\b(bearer|basic)\s+[^\s"\\,]+/gi, '$1 [hidden]'],
  // Cookies of sessions and of challenges.
  [/\b(blyan(?:-\d+)?-(?:session|challenge))=[^\s"\\;]+/g, '$1=[hidden]'],
  // Invites may hold the secret of a private network.
  [/\bblyan1[\w-]{16,}/g, 'blyan1[hidden]'],
  // Signatures of wallets: 65 bytes.
  [/\b0x[0-9a-f]{130}\b/gi, '0x[hidden]'],
  // User and password of a URL.
  [/:\/\/[^\s/@"\\]+@/g, '://[hidden]@'],
];

/** A log line without the secrets in it that can be told by their form, wherever they stand. */
export function scrub(line: string): string {
  return FORMS.reduce((text, [form, shown]) => text.replace(form, shown), line);
}
