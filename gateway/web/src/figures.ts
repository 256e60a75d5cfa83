import { type Language, useLanguage } from './language/index.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const AGO: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 365],
  ['year', Number.POSITIVE_INFINITY],
];
/** 10^18 base units are one BLY. */
const DECIMALS = 18;

/** Numbers, amounts and times as they are written in the reader's language. */
export interface Figures {
  readonly number: (value: number, fractionDigits?: number) => string;
  /** `1,234.5 BLY`, exactly, of an amount in base units. */
  readonly bly: (baseUnits: bigint) => string;
  /** `1.5 GiB`. */
  readonly bytes: (count: number) => string;
  readonly time: (ms: number) => string;
  /** To the minute. */
  readonly minute: (ms: number) => string;
  readonly day: (ms: number) => string;
  /** `5 minutes ago`. */
  readonly ago: (ms: number, nowMs: number) => string;
}

const made = new Map<Language, Figures>();

export function figuresOf(language: Language): Figures {
  let figures = made.get(language);
  if (figures === undefined) {
    figures = make(language);
    made.set(language, figures);
  }
  return figures;
}

export function useFigures(): Figures {
  return figuresOf(useLanguage().language);
}

function make(language: Language): Figures {
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const clock = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  const minutes = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const days = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const whole = new Intl.NumberFormat(language);
  const number = (value: number, maximumFractionDigits = 0) =>
    new Intl.NumberFormat(language, { maximumFractionDigits }).format(value);
  return {
    number,
    bly(baseUnits) {
      const digits = String(baseUnits).padStart(DECIMALS + 1, '0');
      const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
      return `${whole.format(BigInt(digits.slice(0, -DECIMALS)))}${fraction && `.${fraction}`} BLY`;
    },
    bytes(count) {
      const at = Math.min(UNITS.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
      return `${number(count / 1024 ** at, at === 0 ? 0 : 1)} ${UNITS[at]}`;
    },
    time: (ms) => clock.format(ms),
    minute: (ms) => minutes.format(ms),
    day: (ms) => days.format(ms),
    ago(ms, nowMs) {
      let amount = Math.max(0, nowMs - ms) / 1000;
      for (const [unit, size] of AGO) {
        if (amount < size) return relative.format(-Math.floor(amount), unit);
        amount /= size;
      }
      return '';
    },
  };
}
