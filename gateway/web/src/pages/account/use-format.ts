import { useMemo } from 'react';
import { useLanguage } from '../../language/index.ts';

/** Numbers and times as the reader's language writes them. */
export function useFormat() {
  const { language } = useLanguage();
  return useMemo(() => {
    const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
    const minute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
    const number = new Intl.NumberFormat(language);
    return {
      /** @param iso as the gateway writes times */
      day: (iso: string) => day.format(new Date(iso)),
      minute: (iso: string) => minute.format(new Date(iso)),
      number: (value: number) => number.format(value),
    };
  }, [language]);
}
