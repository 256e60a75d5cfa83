import fc from 'fast-check';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Markdown } from '../../web/src/pages/chat/markdown.tsx';
import { ATTACKS } from './attacks.ts';

const rendered = (text: string) => renderToStaticMarkup(createElement(Markdown, { text }));

const ELEMENTS = new Set(
  'a blockquote br button code del div em h3 h4 h5 hr li ol p pre section span strong table tbody td th thead tr ul'.split(
    ' ',
  ),
);
const ATTRIBUTES = new Set(
  'aria-label aria-live class data-testid href rel scope start tabindex target title type'.split(' '),
);

/** Every element, attribute and address is one of ours. */
function assertHarmless(html: string): void {
  for (const [, name = '', attributes = ''] of html.matchAll(/<\/?([^\s>/]*)([^>]*)>/g)) {
    expect(ELEMENTS, html).toContain(name);
    for (const [, attribute = '', value = ''] of attributes.matchAll(/([^\s=]+)="([^"]*)"/g)) {
      expect(ATTRIBUTES, html).toContain(attribute);
      if (attribute === 'href') expect(value).toMatch(/^(https?:\/\/[^@/]+(\/|$)|mailto:)/);
    }
  }
}

test.each(ATTACKS)('%j becomes nothing but text and elements of ours', (attack) => {
  for (const text of [attack, `- ${attack}`, `**${attack}**`, `> ${attack}`, `${attack}\n\n${attack}`]) {
    const html = rendered(text);
    assertHarmless(html);
    expect(html).not.toMatch(/href="[^"]*(evil\.example@|hacked)/);
  }
});

test.each([
  ['a *b* **c** ~~d~~ `e<f`', '<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;f</code></p>'],
  ['AT&amp;T &copy; &#44032; &nothing; \\*x\\*', '<p>AT&amp;T © 가 &amp;nothing; *x*</p>'],
  ['# T\n## U\n- a\n- b\n\n1. c', '<h3>T</h3><h4>U</h4><ul><li>a</li><li>b</li></ul><ol start="1"><li>c</li></ol>'],
  [
    '[w](https://a.example/b?c&amp;d)',
    '<p><a href="https://a.example/b?c&amp;d" title="https://a.example/b?c&amp;d" target="_blank" rel="noopener noreferrer nofollow">w</a></p>',
  ],
  ['- [x] done', '<ul><li>☑ done</li></ul>'],
  ['a\nb', '<p>a<br/>b</p>'],
])('%j becomes %j', (text, html) => {
  expect(rendered(text)).toBe(html);
});

test('whatever a model writes is rendered, harmless, and whole', () => {
  const piece = fc.oneof(
    fc.constantFrom(...ATTACKS, '```', '\n\n', '> ', '- ', '| a |\n|---|\n', '**', '[', '](', '<', '&#', '![', '\t'),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => assertHarmless(rendered(pieces.join('')))),
    { numRuns: 150 },
  );
});

test('nesting without end, and a text that is too long, are shown as they are', () => {
  for (const text of ['>'.repeat(20_000), `${'- '.repeat(3_000)}x`, '['.repeat(5_000), 'x'.repeat(200_001)]) {
    expect(rendered(text).length).toBeGreaterThan(0);
    assertHarmless(rendered(text));
  }
});
