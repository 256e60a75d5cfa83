import { useText } from '../../language/index.ts';
import { useCopy } from '../../use-copy.ts';
import { accountText } from './text.ts';

/** @param what names the text for whoever cannot see what stands beside the button */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const t = useText(accountText);
  const { outcome, copy } = useCopy(text);
  return (
    <span className="copy">
      <button type="button" className="quiet" aria-label={t.copyWhat(what)} onClick={copy}>
        {t.copy}
      </button>
      <span role="status" className="note">
        {outcome && (outcome === 'copied' ? t.copied : t.notCopied)}
      </span>
    </span>
  );
}
