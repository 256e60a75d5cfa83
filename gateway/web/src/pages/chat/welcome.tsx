import { useText } from '../../language/index.ts';
import { chatText } from './text.ts';

/** In the language that the genesis model knows. */
const EXAMPLES = ['What is a river?', 'Define courage.', 'Who are you?', 'What is Blyan?'];

export function Welcome({ onExample }: { readonly onExample: (text: string) => void }) {
  const t = useText(chatText);
  return (
    <div className="welcome">
      <h2>{t.ask}</h2>
      <p>{t.about}</p>
      <ul className="examples" aria-label={t.examples} lang="en">
        {EXAMPLES.map((text) => (
          <li key={text}>
            <button type="button" onClick={() => onExample(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
      <dl className="honest">
        <div>
          <dt>{t.knowsTitle}</dt>
          <dd>{t.knows}</dd>
        </div>
        <div>
          <dt>{t.seesTitle}</dt>
          <dd>{t.sees}</dd>
        </div>
        <div>
          <dt>{t.keepsTitle}</dt>
          <dd>{t.keeps}</dd>
        </div>
      </dl>
    </div>
  );
}
