import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ToolCallReader } from '../src/index.ts';

const NAMES = ['f', 'look_up'];
const call = fc
  .record({
    name: fc.constantFrom(...NAMES),
    arguments: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  })
  .map((value) => ({
    written: `<tool_call>\n${JSON.stringify(value)}\n</tool_call>`,
    is: { name: value.name, arguments: JSON.stringify(value.arguments) },
  }))
  .filter(({ written }) => written.split('</tool_call>').length === 2);
/** Text that a reader could take for the beginning of a call. */
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('<', '<tool', '<tool_cal', '</tool_call>', ' \n', 'a <b', 'x<tool_call'),
);

function read(pieces: readonly string[]) {
  const reader = new ToolCallReader(NAMES);
  const found = [...pieces.map((piece) => reader.push(piece)), reader.flush()];
  return {
    text: found.map((one) => one.text).join(''),
    calls: found.flatMap((one) => one.calls),
    released: found.map((one) => one.released),
  };
}

test('calls are found however the answer is cut, and everything else is text', () => {
  fc.assert(
    fc.property(
      text.filter((said) => !said.includes('<')),
      fc.array(call, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat()),
      (said, calls, cuts) => {
        const whole = said + calls.map(({ written }) => written).join('\n');
        const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, index) => whole.slice(from, at[index]));
        const seen = read(pieces);
        expect(seen.text).toBe(said);
        expect(seen.calls).toEqual(calls.map(({ is }) => is));
        expect(seen.released.at(-1)).toBe(whole.length);
      },
    ),
  );
});

test('whatever is written, nothing is lost but calls and the blanks behind them', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          text,
          call.map(({ written }) => written),
          fc.constantFrom(
            '<tool_call>',
            '</tool_call>',
            '<tool_call>{"name":"g"}</tool_call>',
            '<tool_call>{"name":"f","arguments":[]}</tool_call>',
          ),
        ),
      ),
      (pieces) => {
        const seen = read(pieces);
        const whole = pieces.join('');
        expect(seen.released.at(-1)).toBe(whole.length);
        expect(seen.released).toEqual(seen.released.toSorted((a, b) => a - b));
        if (seen.calls.length === 0) expect(seen.text).toBe(whole);
        expect(read([whole])).toMatchObject({ text: seen.text, calls: seen.calls });
      },
    ),
  );
});
