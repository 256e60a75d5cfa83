/** No vowels, so that no code is a word; nothing that looks like something else (RFC 8628, 6.1). */
export const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
export const USER_CODE_LENGTH = 8;

export const USER_CODE = new RegExp(`^[${USER_CODE_LETTERS}]{${USER_CODE_LENGTH}}$`);

/** What somebody wrote, as a code: case, blanks and dashes do not count; null for what is none. */
export function userCodeOf(text: string): string | null {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '');
  return USER_CODE.test(code) ? code : null;
}
