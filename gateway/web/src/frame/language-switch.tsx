import { LANGUAGES, type Language, useLanguage, useText } from '../language/index.ts';
import { frameText } from './text.ts';

/** Each in its own language: whoever looks for it may not read the other one. */
const NAMES: Readonly<Record<Language, string>> = { en: 'English', ko: '한국어' };

export function LanguageSwitch() {
  const t = useText(frameText);
  const { language, setLanguage } = useLanguage();
  return (
    <select
      className="quiet language"
      aria-label={t.language}
      data-testid="language"
      value={language}
      onChange={(event) => setLanguage(event.target.value as Language)}
    >
      {LANGUAGES.map((one) => (
        <option key={one} value={one} lang={one}>
          {NAMES[one]}
        </option>
      ))}
    </select>
  );
}
