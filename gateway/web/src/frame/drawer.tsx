import { type MouseEvent, type ReactNode, useEffect, useId, useRef } from 'react';

interface DrawerProps {
  readonly title: string;
  readonly closeText: string;
  readonly side: 'left' | 'right';
  readonly testId: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A sheet at the side of the window, over the page, as long as it is rendered. Escape and a click beside it close it. */
export function Drawer({ title, closeText, side, testId, onClose, children }: DrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const onClick = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog ref={dialog} className={`drawer ${side}`} aria-labelledby={id} onClose={onClose} onClick={onClick}>
      <div className="drawer-inside" data-testid={testId}>
        <div className="drawer-head">
          <h2 id={id}>{title}</h2>
          <button type="button" className="quiet" onClick={onClose}>
            {closeText}
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
