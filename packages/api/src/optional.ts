import { z } from 'zod';

/**
 * A field that may be left out or be `null`, which mean the same: clients send `"stream": null` and `"tools": null`.
 * The parsed value is `undefined` in both cases.
 */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/**
 * A list whose length is checked before its items: `z.array().max()` looks at every item first and keeps an issue for
 * each, so that a body of two million wrong ones would cost seconds.
 */
export const boundedArray = <T extends z.ZodType>(item: T, min: number, max: number) =>
  z
    .custom<z.input<T>[]>((value) => Array.isArray(value) && value.length >= min && value.length <= max, {
      error: `Expected a list of ${min} to ${max} items`,
      abort: true,
    })
    // For documents: the custom check says nothing by itself.
    .meta({ minItems: min, maxItems: max })
    .pipe(z.array(item));

/** A JSON object whose members are not looked at. */
export const anyObject = z
  .custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'Expected an object',
  })
  .meta({ type: 'object' });
