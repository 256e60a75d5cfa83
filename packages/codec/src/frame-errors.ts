import { AppError } from '@blyan/interface';

export type FrameErrorCode =
  /** A frame claims more bytes than its protocol allows; nothing was allocated for it. */
  | 'ERR_CODEC_FRAME_TOO_LARGE'
  /** A frame, or a method name, does not follow the wire format. */
  | 'ERR_CODEC_FRAME_MALFORMED'
  /** A message is not plain msgpack within its bounds. */
  | 'ERR_CODEC_BODY_MALFORMED'
  /** A value that msgpack has no plain form for was to be sent. */
  | 'ERR_CODEC_BODY_UNENCODABLE';

/** A frame, or its msgpack body, that breaks the wire format. `kind` is `peer` where the bytes came from outside. */
export class FrameError extends AppError<FrameErrorCode> {}
