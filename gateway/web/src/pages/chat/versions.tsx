import { useText } from '../../language/index.ts';
import type { Message } from './conversation.ts';
import { chatText } from './text.ts';

interface VersionsProps {
  readonly message: Message;
  readonly versions: readonly Message[];
  readonly onChoose: (id: string) => void;
}

/** Goes from one version of a question or an answer to the next. */
export function Versions({ message, versions, onChoose }: VersionsProps) {
  const t = useText(chatText);
  const at = versions.findIndex(({ id }) => id === message.id);
  const step = (by: number, name: string, sign: string) => {
    const target = versions[at + by];
    return (
      <button
        type="button"
        className="act"
        aria-label={name}
        disabled={target === undefined}
        onClick={() => target && onChoose(target.id)}
      >
        {sign}
      </button>
    );
  };
  if (versions.length < 2) return null;
  return (
    <span className="siblings" data-testid="versions">
      {step(-1, t.earlier, '‹')}
      <span aria-hidden="true">
        {at + 1}/{versions.length}
      </span>
      <span className="hidden" role="status">
        {t.version(at + 1, versions.length)}
      </span>
      {step(1, t.later, '›')}
    </span>
  );
}
