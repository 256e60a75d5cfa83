import type { KeyboardEvent } from 'react';

/** Enter without Shift, but not the one that takes an input method's suggestion (Safari reports 229 then). */
export function isSubmitKey(event: KeyboardEvent): boolean {
  const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
  return event.key === 'Enter' && !event.shiftKey && !isComposing;
}
