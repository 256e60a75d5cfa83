export { LANGUAGES, type Language, LanguageProvider, useLanguage } from './language.tsx';
export { type Dictionary, defineText, useText } from './text.ts';
