import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';

export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

const STORE_KEY = 'blyan.language';

interface LanguageChoice {
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
}

const Context = createContext<LanguageChoice>({ language: 'en', setLanguage: () => {} });

/** The language chosen here before, otherwise the browser's, otherwise English. */
export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = (chosen: Language) => {
    setLanguage(chosen);
    remember(chosen);
  };
  return <Context value={{ language, setLanguage: choose }}>{children}</Context>;
}

export function useLanguage(): LanguageChoice {
  return useContext(Context);
}

function firstLanguage(): Language {
  const isKnown = (one: string | null): one is Language => LANGUAGES.some((known) => known === one);
  const remembered = recall();
  if (isKnown(remembered)) return remembered;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isKnown) ?? 'en';
}

// A browser may keep nothing for a page; then the choice lasts until it is closed.
function recall(): string | null {
  try {
    return localStorage.getItem(STORE_KEY);
  } catch {
    return null;
  }
}

function remember(language: Language): void {
  try {
    localStorage.setItem(STORE_KEY, language);
  } catch {}
}
