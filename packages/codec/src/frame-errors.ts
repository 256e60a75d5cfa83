import { AppError } from '@blyan/interface';

export type FrameErrorCode =
  | 'ERR_CODEC_FRAME_TOO_LARGE'
  | 'ERR_CODEC_FRAME_MALFORMED'
  | 'ERR_CODEC_BODY_MALFORMED'
  | 'ERR_CODEC_BODY_UNENCODABLE';

/** A frame, or its msgpack body, that breaks the wire format. `kind` is `peer` where the bytes came from outside. */
export class FrameError extends AppError<FrameErrorCode> {}
