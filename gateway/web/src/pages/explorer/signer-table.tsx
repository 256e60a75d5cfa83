import { useFigures } from '../../figures.ts';
import { useText } from '../../language/index.ts';
import type { Signer } from './proof/steps.ts';
import { proofText } from './proof-text.ts';
import { shortHash } from './short-hash.ts';

interface SignerTableProps {
  readonly signers: readonly Signer[];
  readonly validatorsHash: string;
}

/** The validators that a certificate was checked against, the heaviest first. */
export function SignerTable({ signers, validatorsHash }: SignerTableProps) {
  const t = useText(proofText);
  const { number } = useFigures();
  const sorted = signers.toSorted((a, b) => b.weight - a.weight || Number(b.signed) - Number(a.signed));
  return (
    <details className="signers">
      <summary>{t.signers}</summary>
      <p className="note fine">
        {t.set} <code>{validatorsHash}</code>
      </p>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t.validator}</th>
            <th scope="col" className="number">
              {t.weight}
            </th>
            <th scope="col">{t.signed}</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ publicKey, name, weight, signed }) => (
            <tr key={publicKey} data-testid="signer">
              <th scope="row" title={publicKey}>
                {name !== null && `${name} `}
                <code>{shortHash(publicKey)}</code>
              </th>
              <td className="number">{number(weight)}</td>
              <td className={signed ? 'good' : 'soft'}>{signed ? `✓ ${t.signed}` : `– ${t.notSigned}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
