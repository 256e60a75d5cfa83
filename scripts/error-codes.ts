export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface ErrorEntry {
  readonly package: string;
  readonly code: string;
  /** `caller`, `peer`, `internal`; several when places differ. */
  readonly kinds: readonly string[];
  /** From the comment at the code's declaration, else the first message thrown with it. */
  readonly sentence: string;
}

const DECLARATION =
  /export type \w*ErrorCode =((?:\s*(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?\|?\s*'ERR_[A-Z0-9_]+')+)\s*;/g;
const CODE = /'(ERR_[A-Z0-9_]+)'/g;
/** The text around one use of a code. */
interface Use {
  readonly before: string;
  /** From the comma that ends it as an argument. */
  readonly after: string;
}

/** How far around a code its message and kind are looked for. */
const REACH = 600;

/** The first argument of the call that reads as a sentence, or what was put into the variable that stands in its place. */
function messageOf({ before, after }: Use): string | null {
  const call = callOf(after);
  for (const { index } of call.matchAll(/(?<=(?:^|[(,:?])\s*)['`]/g)) {
    const text = literal(call.slice(index));
    if (text !== null && / .* /.test(text)) return text;
  }
  const variable = /^\s*(\w+)/.exec(call)?.[1];
  if (variable === undefined) return null;
  const assignment = [...before.matchAll(new RegExp(`\\b${variable} =(?!=)`, 'g'))].at(-1);
  return assignment === undefined ? null : literal(before.slice(assignment.index + assignment[0].length));
}

/** Text of a string or template literal that starts at the beginning of `text`, with `…` for what is filled in. */
function literal(text: string): string | null {
  const match = /^\s*(?:'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`)/.exec(text);
  const body = match?.[1] ?? match?.[2];
  if (body === undefined) return null;
  return unfilled(body).replace(/\\(.)/g, '$1').replace(/\s+/g, ' ').trim();
}

/** Replaces `${…}` by `…`, braces inside it counted. */
function unfilled(body: string): string {
  let result = '';
  for (let i = 0; i < body.length; i++) {
    if (!body.startsWith('${', i)) {
      result += body[i];
      continue;
    }
    let depth = 0;
    do {
      if (body[i] === '{') depth += 1;
      if (body[i] === '}') depth -= 1;
      i += 1;
    } while (i < body.length && (depth > 0 || body[i - 1] === '$'));
    i -= 1;
    result += '…';
  }
  return result;
}

/** Comments of a declaration by code: one before the code itself, or lines such as "- `LENGTH`, `HEADER`: …" before the type. */
function comments(text: string, at: number, body: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, comment = '', code = ''] of body.matchAll(
    /\/\*\*([^*]*(?:\*(?!\/)[^*]*)*)\*\/\s*\|?\s*'(ERR_[A-Z0-9_]+)'/g,
  )) {
    found.set(code, clean(comment));
  }
  const above = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(text.slice(0, at))?.[1];
  const suffixes = (above ?? '').replace(/^\s*\*\s?/gm, '');
  for (const [, names = '', sentence = ''] of suffixes.matchAll(
    /^- ((?:`[A-Z0-9_]+`(?:, )?)+):? ([\s\S]*?)(?=\n- |\n*$(?![\s\S]))/gm,
  )) {
    for (const item of sentence.split(/;\s+(?=`[A-Z0-9_]+`)/)) {
      const own = /^((?:`[A-Z0-9_]+`(?:, )?)+):? ([\s\S]*)$/.exec(item);
      for (const [, name] of (own?.[1] ?? names).matchAll(/`([A-Z0-9_]+)`/g))
        found.set(name as string, clean(own?.[2] ?? item));
    }
  }
  return found;
}

const clean = (text: string): string => {
  const line = text.replace(/\n\s*\*?\s*/g, ' ').trim();
  return line === '' ? '' : `${(line[0] as string).toUpperCase()}${line.slice(1)}${/[.!?]$/.test(line) ? '' : '.'}`;
};

/** Every error code a package declares, with what its sources say about it; a code that is declared and never used is a problem. */
export function describeCodes(
  name: string,
  files: readonly SourceFile[],
): { entries: ErrorEntry[]; problems: string[] } {
  const entries: ErrorEntry[] = [];
  const problems: string[] = [];
  for (const file of files) {
    for (const declaration of file.text.matchAll(DECLARATION)) {
      const said = comments(file.text, declaration.index, declaration[1] as string);
      const classKind =
        /super\([^;]*\{ kind: '(caller|peer|internal)', \.\.\.options \}/.exec(file.text)?.[1] ?? 'internal';
      for (const [, code = ''] of (declaration[1] as string).matchAll(CODE)) {
        const uses = usesOf(code, files, file);
        if (uses.length === 0) problems.push(`${file.path}: ${code} is declared and never used`);
        const comment = [...said].find(([suffix]) => code === suffix || code.endsWith(`_${suffix}`))?.[1];
        const sentence = comment ?? uses.map(messageOf).find((text) => text !== null) ?? '';
        if (sentence === '' && uses.length > 0)
          problems.push(`${file.path}: ${code} needs a comment: no sentence was found where it is used`);
        const kinds = new Set(
          uses.map((use) => /\bkind: '(caller|peer|internal)'/.exec(callOf(use.after))?.[1] ?? classKind),
        );
        entries.push({ package: name, code, kinds: [...kinds].sort(), sentence });
      }
    }
  }
  return { entries, problems };
}

/** What follows each use of a code (after the comma that ends it as an argument), its declaration left out. */
function usesOf(code: string, files: readonly SourceFile[], declaredIn: SourceFile): Use[] {
  const uses: Use[] = [];
  for (const file of files) {
    const text = file === declaredIn ? file.text.replace(DECLARATION, '') : file.text;
    for (const match of text.matchAll(new RegExp(`'${code}'(,?)`, 'g'))) {
      const end = match.index + match[0].length;
      uses.push({
        before: text.slice(Math.max(0, match.index - REACH), match.index),
        after: text.slice(end, end + REACH),
      });
    }
  }
  // In a table or a comparison a code is only mentioned; as a first argument it is thrown.
  const thrown = uses.filter(({ before }) => /\(\s*$/.test(before));
  return thrown.length > 0 ? thrown : uses;
}

/** The rest of the call the use stands in: up to the bracket that closes it. */
function callOf(use: string): string {
  let depth = 0;
  for (let i = 0; i < use.length; i++) {
    if ('([{'.includes(use[i] as string)) depth += 1;
    if (')]}'.includes(use[i] as string) && --depth < 0) return use.slice(0, i);
  }
  return use;
}
