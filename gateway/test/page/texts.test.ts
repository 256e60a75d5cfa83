import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

type Texts = Readonly<Record<string, string | ((...values: number[]) => string)>>;

const src = fileURLToPath(new URL('../../web/src', import.meta.url));
const files = globSync('**/*text.ts', { cwd: src, exclude: ['language/**'] });

// What a function makes of numbers stands for what it makes of names.
const said = (text: Texts[string] | undefined) =>
  typeof text === 'function' ? text(...Array.from({ length: text.length }, () => 2)) : text;

test.each(files)('%s says everything in both languages', async (file) => {
  const dictionaries = Object.values((await import(`${src}/${file}`)) as Record<string, { en: Texts; ko: Texts }>);
  expect(dictionaries).not.toHaveLength(0);
  for (const { en, ko } of dictionaries) {
    expect(Object.keys(ko)).toEqual(Object.keys(en));
    for (const key of Object.keys(en)) {
      expect(said(en[key]), `en.${key}`).toMatch(/[a-z]/i);
      expect(said(en[key]), `en.${key}`).not.toMatch(/\p{Script=Hangul}/u);
      expect(said(ko[key]), `ko.${key}`).toMatch(/\p{Script=Hangul}/u);
    }
  }
});
