export { type CanonicalValue, type DecodeCanonicalOptions, decodeCanonical, encodeCanonical } from './canonical.ts';
export { CanonicalError, type CanonicalErrorCode } from './canonical-errors.ts';
export {
  assertMethodName,
  encodeFrame,
  FRAME_FIXED_BYTES,
  FRAME_KINDS,
  FRAME_LENGTH_BYTES,
  type Frame,
  type FrameKind,
  frameHeaderBytes,
  MAX_METHOD_BYTES,
  writeFrameHeader,
} from './frame.ts';
export { decodeBody, encodeBody, encodeMessageFrame } from './frame-body.ts';
export { MAX_BODY_DEPTH } from './frame-body-check.ts';
export { FrameDecoder } from './frame-decoder.ts';
export { FrameError, type FrameErrorCode } from './frame-errors.ts';
