import { type MarkedToken, marked, type Token, type Tokens } from 'marked';
import { Fragment, memo, type ReactNode } from 'react';
import { CodeBlock } from './code-block.tsx';
import { decodeEntities } from './decode-entities.ts';
import { safeAddress } from './safe-address.ts';

/** Of what is nested deeper, the text is shown as it is. */
const MAX_DEPTH = 12;
/** UTF-16 units; more would stall the page, and is shown as it is. */
const MAX_LENGTH = 200_000;

/**
 * What a model wrote, as Markdown (CommonMark with tables). Its text never becomes HTML: a library takes it apart, and
 * only the elements below are made of the parts. Nothing is loaded from an address in it, and links lead to the web or to
 * an e-mail alone.
 */
export const Markdown = memo(function Markdown({ text }: { readonly text: string }) {
  const blocks = blocksOf(text);
  if (blocks === null) return <p className="plain">{text}</p>;
  return blocks.map((token, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: an answer grows at its end
    <Block key={at} token={token} />
  ));
});

function blocksOf(text: string): readonly Token[] | null {
  if (text.length > MAX_LENGTH) return null;
  try {
    return marked.lexer(text, { gfm: true, breaks: true });
  } catch {
    // Nested too deep for the library.
    return null;
  }
}

// While an answer streams in only its last block changes.
const Block = memo(
  function Block({ token }: { readonly token: Token }) {
    return render(token, 0);
  },
  (before, after) => before.token.raw === after.token.raw && before.token.type === after.token.type,
);

function children(tokens: readonly Token[] | undefined, raw: string, depth: number): ReactNode {
  if (tokens === undefined || depth >= MAX_DEPTH) return raw;
  // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other name
  return tokens.map((token, at) => <Fragment key={at}>{render(token, depth + 1)}</Fragment>);
}

function render(anyToken: Token, depth: number): ReactNode {
  const token = anyToken as MarkedToken;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      return <Heading token={token}>{children(token.tokens, token.text, depth)}</Heading>;
    case 'paragraph':
      return <p>{children(token.tokens, token.text, depth)}</p>;
    case 'blockquote':
      return <blockquote>{children(token.tokens, token.text, depth)}</blockquote>;
    case 'list':
      return <List token={token} depth={depth} />;
    case 'code':
      return <CodeBlock text={token.text} language={token.lang} />;
    case 'table':
      return <Table token={token} depth={depth} />;
    case 'hr':
      return <hr />;
    case 'strong':
      return <strong>{children(token.tokens, token.text, depth)}</strong>;
    case 'em':
      return <em>{children(token.tokens, token.text, depth)}</em>;
    case 'del':
      return <del>{children(token.tokens, token.text, depth)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'escape':
      return token.text;
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ ';
    case 'link':
      return <SafeLink href={token.href}>{children(token.tokens, token.text, depth)}</SafeLink>;
    case 'image':
      return <SafeLink href={token.href}>{decodeEntities(token.text) || token.href}</SafeLink>;
    case 'text':
      return token.tokens === undefined ? decodeEntities(token.text) : children(token.tokens, token.text, depth);
    default:
      // HTML among it: shown, never read.
      return anyToken.raw;
  }
}

interface HeadingProps {
  readonly token: Tokens.Heading;
  readonly children: ReactNode;
}

/** The page's own headings stand above. */
function Heading({ token, children: content }: HeadingProps) {
  if (token.depth === 1) return <h3>{content}</h3>;
  return token.depth === 2 ? <h4>{content}</h4> : <h5>{content}</h5>;
}

function List({ token, depth }: { readonly token: Tokens.List; readonly depth: number }) {
  const items = token.items.map((item, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: items of a list have no other name
    <li key={at}>{children(item.tokens, item.text, depth)}</li>
  ));
  if (!token.ordered) return <ul>{items}</ul>;
  return <ol start={token.start === '' ? 1 : token.start}>{items}</ol>;
}

function Table({ token, depth }: { readonly token: Tokens.Table; readonly depth: number }) {
  const cell = ({ tokens, text }: Tokens.TableCell) => children(tokens, text, depth);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <div className="scroller" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {token.header.map((one, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its number
              <th key={at} scope="col">
                {cell(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its number
            <tr key={at}>
              {row.map((one, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its number
                <td key={column}>{cell(one)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SafeLink({ href, children: content }: { readonly href: string; readonly children: ReactNode }) {
  const address = safeAddress(href);
  if (address === null) return content;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      {content}
    </a>
  );
}
