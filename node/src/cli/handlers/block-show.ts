import { readBlockManifest, type TensorInfo } from '@blyan/tensorblock';
import type { CommandHandler } from '../command.ts';
import { formatBytes, print, printable, table } from '../output.ts';

function row(tensor: TensorInfo): string[] {
  const quantised = tensor.quantBlock === undefined ? '' : `/${tensor.quantBlock}`;
  return [
    printable(tensor.name),
    `${tensor.dtype}${quantised}`,
    `[${tensor.shape.join(', ')}]`,
    String(tensor.offset),
    formatBytes(tensor.byteLength + (tensor.scalesByteLength ?? 0)),
  ];
}

/** Header and tensors as the file says them; nothing is hashed, so nothing is proven. */
export const blockShow: CommandHandler = async (context, input) => {
  const manifest = await readBlockManifest(input.args[0] as string);
  if (input.options.json === true) {
    // Byte strings of the header's own map appear as hexadecimal digits.
    const json = JSON.stringify(manifest, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
    return print(context, json);
  }
  const { header } = manifest;
  const where = (['model', 'layer', 'expert', 'slice', 'sliceCount'] as const)
    .filter((key) => header[key] !== undefined)
    .map((key) => `${key} ${printable(String(header[key]))}`);
  print(context, `${header.kind}${where.length > 0 ? `: ${where.join(', ')}` : ''}`);
  print(
    context,
    `root ${manifest.root} (not verified), ${formatBytes(manifest.byteLength)}, ${manifest.leafCount} subtiles`,
  );
  print(context, '');
  print(context, table([['TENSOR', 'TYPE', 'SHAPE', 'OFFSET', 'SIZE'], ...manifest.tensors.map(row)]));
};
