import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCES = fileURLToPath(new URL('../../web/src', import.meta.url));
const COMMENTS = /\/\*[\s\S]*?\*\//g;

/** Classes that a style sheet dresses wherever they stand, not only within something of its own. */
function classesOf(css: string): Set<string> {
  const selectors = [...css.replaceAll(COMMENTS, '').matchAll(/([^{}]+)\{/g)].flatMap(([, list = '']) =>
    list.split(','),
  );
  return new Set(selectors.flatMap((one) => /^\s*(\.[\w-]+)(?=\s*$|:)/.exec(one)?.slice(1) ?? []));
}

// Styles of a page stay when somebody goes on to the next one: two pages that use a word would dress each other.
test('no class is dressed by the styles of two pages, or by those of a page and of all', () => {
  const owners = new Map<string, Set<string>>();
  for (const file of globSync(join(SOURCES, '**/*.css'))) {
    const owner = dirname(relative(SOURCES, file));
    for (const name of classesOf(readFileSync(file, 'utf8')))
      owners.set(name, (owners.get(name) ?? new Set()).add(owner));
  }
  expect(owners.size).toBeGreaterThan(50);
  const shared = [...owners].filter(([, places]) => places.size > 1).map(([name, places]) => [name, ...places]);
  expect(shared).toEqual([]);
});
