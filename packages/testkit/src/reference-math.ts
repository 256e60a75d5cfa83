/** y = W x for W [out, in] in row-major order; sums in f64. */
export function multiply(weights: Float32Array, x: Float64Array): Float64Array {
  const inputs = x.length;
  const y = new Float64Array(weights.length / inputs);
  for (let row = 0; row < y.length; row++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += (weights[row * inputs + i] as number) * (x[i] as number);
    y[row] = sum;
  }
  return y;
}

/** x / sqrt(mean(x²) + eps) * gain, of `x` as a whole. */
export function rmsNorm(x: Float64Array, gain: Float32Array, eps: number): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((value, i) => value * scale * (gain[i] as number));
}

export function softmax(x: Float64Array): Float64Array {
  const max = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exps = x.map((value) => Math.exp(value - max));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

export function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}

export function addInto(target: Float64Array, source: Float64Array, factor = 1): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + factor * (source[i] as number);
}

/** Rotates one head in place: dimension i turns with i + headDim/2 by position * theta^(-2i/headDim). */
export function rotate(head: Float64Array, position: number, theta: number): void {
  const half = head.length / 2;
  for (let i = 0; i < half; i++) {
    const angle = position * theta ** (-i / half);
    const [a, b] = [head[i] as number, head[i + half] as number];
    head[i] = a * Math.cos(angle) - b * Math.sin(angle);
    head[i + half] = b * Math.cos(angle) + a * Math.sin(angle);
  }
}
