// What each client program does: one JSON line per check. It knows an address, a model, and the text to expect.
const { BLYAN_URL, BLYAN_MODEL, BLYAN_TEXT, BLYAN_CHECKS } = process.env;

export const url = BLYAN_URL;
export const model = BLYAN_MODEL;
export const PROMPT = 'What is a river?';
export const MAX_TOKENS = 24;
/** Enough tokens that an answer can be stopped in its middle. */
export const LONG_TOKENS = 400;

/** What an answer in JSON is to be. */
export const SCHEMA = {
  type: 'object',
  properties: {
    kind: { type: 'string', enum: ['river', 'lake'] },
    name: { type: 'string', maxLength: 24 },
    length: { type: 'integer', minimum: 0, maximum: 9_999 },
  },
  required: ['kind', 'name', 'length'],
  additionalProperties: false,
};
/** More than such an answer has. */
export const JSON_TOKENS = 160;

/** A value, or its text, that satisfies the schema. */
export function sameKind(answer) {
  const value = typeof answer === 'string' ? JSON.parse(answer) : answer;
  const { kind, name, length, ...more } = value;
  const isRight =
    SCHEMA.properties.kind.enum.includes(kind) &&
    typeof name === 'string' &&
    [...name].length <= 24 &&
    Number.isInteger(length) &&
    length >= 0 &&
    length <= 9_999;
  ok(isRight && Object.keys(more).length === 0, `another value: ${JSON.stringify(answer)}`);
}

/** Tells whoever runs this that an answer is under way. */
export function streaming() {
  process.stdout.write(`${JSON.stringify({ event: 'streaming' })}\n`);
}

export function sameText(text) {
  if (text !== BLYAN_TEXT) throw new Error(`the text differs: ${JSON.stringify(text)}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

/** The error that a promise is rejected with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Runs those of the checks that are asked for. One that returns a string cannot be made with this client, and says why. */
export async function run(checks) {
  for (const name of BLYAN_CHECKS.split(',')) {
    let line = { check: name, result: 'ok' };
    try {
      const left = await checks[name]();
      if (typeof left === 'string') line = { check: name, result: 'left out', why: left };
    } catch (error) {
      line = { check: name, result: 'failed', why: String(error?.stack ?? error).slice(0, 600) };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  process.exit(0);
}
