import { type Language, useLanguage } from './language.tsx';

/** A text of the page, or what makes one of numbers and names. */
type Text = string | ((...values: never[]) => string);
type Texts = Readonly<Record<string, Text>>;
type SameKeys<T extends Texts> = { readonly [K in keyof T]: T[K] extends string ? string : T[K] };
export type Dictionary<T extends Texts> = Readonly<Record<Language, SameKeys<T>>>;

/** The texts of one part of the page: every key in every language, or it does not compile. */
export function defineText<T extends Texts>(texts: {
  readonly en: T;
  readonly ko: NoInfer<SameKeys<T>>;
}): Dictionary<T> {
  return texts as Dictionary<T>;
}

/** The texts in the language of the reader. */
export function useText<T extends Texts>(dictionary: Dictionary<T>): SameKeys<T> {
  return dictionary[useLanguage().language];
}
