// Everything of a transformer layer that is not a matrix product, on WebAssembly SIMD (AssemblyScript).
// Every sum runs in one fixed order that depends on the row alone, so a row's bits do not depend on the rows beside
// it, on the chunking of the prompt or on the batch. All pointers are byte offsets into the imported memory, all
// strides and counts are in elements. Positions of a KV page: 32.

const PAGE: i32 = 32;

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  return v128.relaxed_madd<f32>(a, b, c);
}

// @ts-ignore: decorator
@inline
function horizontalSum(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** out[r] = x[r] / rms(x[r]) * weight, per row of n elements. In place is allowed. */
export function rmsNorm(
  x: usize,
  xStride: i32,
  weight: usize,
  out: usize,
  outStride: i32,
  rows: i32,
  n: i32,
  epsilon: f32,
): void {
  const whole = n & ~3;
  for (let r = 0; r < rows; r++) {
    const row = x + ((<usize>r * xStride) << 2);
    let acc = f32x4.splat(0);
    for (let i = 0; i < whole; i += 4) {
      const v = v128.load(row + (<usize>i << 2));
      acc = madd(v, v, acc);
    }
    let sum = horizontalSum(acc);
    for (let i = whole; i < n; i++) {
      const v = load<f32>(row + (<usize>i << 2));
      sum += v * v;
    }
    const scale: f32 = 1 / Mathf.sqrt(sum / <f32>n + epsilon);
    const scale4 = f32x4.splat(scale);
    const target = out + ((<usize>r * outStride) << 2);
    for (let i = 0; i < whole; i += 4) {
      const at = <usize>i << 2;
      v128.store(target + at, f32x4.mul(f32x4.mul(v128.load(row + at), scale4), v128.load(weight + at)));
    }
    for (let i = whole; i < n; i++) {
      const at = <usize>i << 2;
      store<f32>(target + at, load<f32>(row + at) * scale * load<f32>(weight + at));
    }
  }
}

/** x[r] += bias, per row of n elements. */
export function addBias(x: usize, stride: i32, bias: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const row = x + ((<usize>r * stride) << 2);
    for (let i = 0; i < n; i++) {
      const at = <usize>i << 2;
      store<f32>(row + at, load<f32>(row + at) + load<f32>(bias + at));
    }
  }
}

/** Clamps every element of the rows to [-limit, limit]. */
export function clip(x: usize, stride: i32, rows: i32, n: i32, limit: f32): void {
  for (let r = 0; r < rows; r++) {
    const row = x + ((<usize>r * stride) << 2);
    for (let i = 0; i < n; i++) {
      const at = row + (<usize>i << 2);
      store<f32>(at, max<f32>(-limit, min<f32>(limit, load<f32>(at))));
    }
  }
}

/** Rotates `heads` heads of each row, first half against second half; cos and sin hold d/2 values per row. */
export function rope(x: usize, stride: i32, rows: i32, heads: i32, d: i32, cos: usize, sin: usize): void {
  const half = d >> 1;
  for (let r = 0; r < rows; r++) {
    const c = cos + ((<usize>r * half) << 2);
    const s = sin + ((<usize>r * half) << 2);
    for (let h = 0; h < heads; h++) {
      const low = x + ((<usize>r * stride + h * d) << 2);
      const high = low + (<usize>half << 2);
      for (let i = 0; i < half; i++) {
        const at = <usize>i << 2;
        const a = load<f32>(low + at);
        const b = load<f32>(high + at);
        store<f32>(low + at, a * load<f32>(c + at) - b * load<f32>(s + at));
        store<f32>(high + at, b * load<f32>(c + at) + a * load<f32>(s + at));
      }
    }
  }
}

/** Elements of one KV page: keys in groups of four positions ([group][dimension][4]), then values ([position][dimension]). */
export function pageElements(kvHeads: i32, d: i32): i32 {
  return 2 * kvHeads * ((d + 3) & ~3) * PAGE;
}

/** Writes keys and values of `rows` positions from `position` on into the pages (a table of page pointers). */
export function storeKv(
  k: usize,
  v: usize,
  stride: i32,
  rows: i32,
  position: i32,
  kvHeads: i32,
  d: i32,
  pages: usize,
): void {
  const dp = (d + 3) & ~3;
  const headElements = dp * PAGE;
  for (let r = 0; r < rows; r++) {
    const p = position + r;
    const page: usize = load<u32>(pages + ((<usize>(p / PAGE)) << 2));
    const slot = p % PAGE;
    const row = (<usize>r * stride) << 2;
    for (let h = 0; h < kvHeads; h++) {
      const key = page + ((<usize>h * headElements + ((slot >> 2) * dp << 2) + (slot & 3)) << 2);
      const value = page + ((<usize>(kvHeads + h) * headElements + slot * dp) << 2);
      const source = row + ((<usize>h * d) << 2);
      for (let i = 0; i < d; i++) {
        store<f32>(key + (<usize>i << 4), load<f32>(k + source + (<usize>i << 2)));
        store<f32>(value + (<usize>i << 2), load<f32>(v + source + (<usize>i << 2)));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function keyGroup(pages: usize, group: i32, head: i32, headElements: i32, dp: i32): usize {
  const page: usize = load<u32>(pages + ((<usize>(group >> 3)) << 2));
  return page + ((<usize>head * headElements + (((group & 7) * dp) << 2)) << 2);
}

/** Scores of four queries (d elements apart by qStep bytes) against positions 0..4*groups-1, each a chain over d. */
// @ts-ignore: decorator
@inline
function score4(
  q: usize,
  qStep: usize,
  d: i32,
  dp: i32,
  groups: i32,
  head: i32,
  headElements: i32,
  pages: usize,
  scores: usize,
  scoreStep: usize,
  scale: v128,
): void {
  let g = 0;
  for (; g + 2 <= groups; g += 2) {
    const k0 = keyGroup(pages, g, head, headElements, dp);
    const k1 = keyGroup(pages, g + 1, head, headElements, dp);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let i = 0; i < d; i++) {
      const x0 = v128.load(k0 + (<usize>i << 4));
      const x1 = v128.load(k1 + (<usize>i << 4));
      const at = q + (<usize>i << 2);
      let s = v128.load32_splat(at);
      a0 = madd(s, x0, a0);
      b0 = madd(s, x1, b0);
      s = v128.load32_splat(at + qStep);
      a1 = madd(s, x0, a1);
      b1 = madd(s, x1, b1);
      s = v128.load32_splat(at + 2 * qStep);
      a2 = madd(s, x0, a2);
      b2 = madd(s, x1, b2);
      s = v128.load32_splat(at + 3 * qStep);
      a3 = madd(s, x0, a3);
      b3 = madd(s, x1, b3);
    }
    const to = scores + (<usize>g << 4);
    v128.store(to, f32x4.mul(a0, scale));
    v128.store(to, f32x4.mul(b0, scale), 16);
    v128.store(to + scoreStep, f32x4.mul(a1, scale));
    v128.store(to + scoreStep, f32x4.mul(b1, scale), 16);
    v128.store(to + 2 * scoreStep, f32x4.mul(a2, scale));
    v128.store(to + 2 * scoreStep, f32x4.mul(b2, scale), 16);
    v128.store(to + 3 * scoreStep, f32x4.mul(a3, scale));
    v128.store(to + 3 * scoreStep, f32x4.mul(b3, scale), 16);
  }
  for (; g < groups; g++) {
    for (let t = 0; t < 4; t++) {
      score1(q + <usize>t * qStep, d, dp, g, g + 1, head, headElements, pages, scores + <usize>t * scoreStep, scale);
    }
  }
}

function score1(
  q: usize,
  d: i32,
  dp: i32,
  from: i32,
  groups: i32,
  head: i32,
  headElements: i32,
  pages: usize,
  scores: usize,
  scale: v128,
): void {
  let g = from;
  for (; g + 4 <= groups; g += 4) {
    const k0 = keyGroup(pages, g, head, headElements, dp);
    const k1 = keyGroup(pages, g + 1, head, headElements, dp);
    const k2 = keyGroup(pages, g + 2, head, headElements, dp);
    const k3 = keyGroup(pages, g + 3, head, headElements, dp);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (let i = 0; i < d; i++) {
      const at = <usize>i << 4;
      const s = v128.load32_splat(q + (<usize>i << 2));
      a0 = madd(s, v128.load(k0 + at), a0);
      a1 = madd(s, v128.load(k1 + at), a1);
      a2 = madd(s, v128.load(k2 + at), a2);
      a3 = madd(s, v128.load(k3 + at), a3);
    }
    const to = scores + (<usize>g << 4);
    v128.store(to, f32x4.mul(a0, scale));
    v128.store(to, f32x4.mul(a1, scale), 16);
    v128.store(to, f32x4.mul(a2, scale), 32);
    v128.store(to, f32x4.mul(a3, scale), 48);
  }
  for (; g < groups; g++) {
    const k0 = keyGroup(pages, g, head, headElements, dp);
    let a0 = f32x4.splat(0);
    for (let i = 0; i < d; i++) {
      a0 = madd(v128.load32_splat(q + (<usize>i << 2)), v128.load(k0 + (<usize>i << 4)), a0);
    }
    v128.store(scores + (<usize>g << 4), f32x4.mul(a0, scale));
  }
}

/** exp(x) for x <= 0, relative error below 2 ulp; below -87 the result is 0. */
// @ts-ignore: decorator
@inline
function exp4(x: v128): v128 {
  const small = f32x4.lt(x, f32x4.splat(-87.0));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  let r = madd(n, f32x4.splat(-0.693359375), x);
  r = madd(n, f32x4.splat(2.12194440e-4), r);
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(f32x4.mul(r, r), p, r), f32x4.splat(1));
  // Machines differ in the integer of an n that is too large or not a number: there the result is 0, or not a number.
  const power = i32x4.shl(i32x4.add(i32x4.relaxed_trunc_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(p, power), small);
}

/** Turns scores of positions 0..count-1 into probabilities; the rest of the last group becomes 0. */
function softmax(scores: usize, count: i32): void {
  const groups = (count + 3) >> 2;
  for (let i = count; i < groups << 2; i++) store<f32>(scores + (<usize>i << 2), -Infinity);
  // `pmax` is one instruction, where `max` takes several to pass on what is not a number: here such a score makes the sum so.
  let top = v128.load(scores);
  let other = top;
  let m = 1;
  for (; m + 2 <= groups; m += 2) {
    const at = scores + (<usize>m << 4);
    top = f32x4.pmax(top, v128.load(at));
    other = f32x4.pmax(other, v128.load(at, 16));
  }
  if (m < groups) top = f32x4.pmax(top, v128.load(scores + (<usize>m << 4)));
  top = f32x4.pmax(top, other);
  const largest = f32x4.splat(
    max<f32>(
      max<f32>(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
      max<f32>(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
    ),
  );
  let sum = f32x4.splat(0);
  for (let g = 0; g < groups; g++) {
    const at = scores + (<usize>g << 4);
    const e = exp4(f32x4.sub(v128.load(at), largest));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.splat(1 / horizontalSum(sum));
  for (let g = 0; g < groups; g++) {
    const at = scores + (<usize>g << 4);
    v128.store(at, f32x4.mul(v128.load(at), inverse));
  }
}

// @ts-ignore: decorator
@inline
function valueRow(pages: usize, position: i32, head: i32, headElements: i32, dp: i32): usize {
  const page: usize = load<u32>(pages + ((<usize>(position / PAGE)) << 2));
  return page + ((<usize>head * headElements + (position % PAGE) * dp) << 2);
}

/** out[t] = sum over positions of probability[t] * value, four queries at once, positions in order. */
// @ts-ignore: decorator
@inline
function mix4(
  scores: usize,
  scoreStep: usize,
  count: i32,
  head: i32,
  headElements: i32,
  dp: i32,
  d: i32,
  pages: usize,
  out: usize,
  outStep: usize,
): void {
  for (let i = 0; i < dp; i += 8) {
    const second = i + 4 < dp;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let from = 0; from < count; from += PAGE) {
      let v = valueRow(pages, from, head, headElements, dp) + (<usize>i << 2);
      const end = min<i32>(count, from + PAGE);
      for (let p = from; p < end; p++) {
        const at = scores + (<usize>p << 2);
        const s0 = v128.load32_splat(at);
        const s1 = v128.load32_splat(at + scoreStep);
        const s2 = v128.load32_splat(at + 2 * scoreStep);
        const s3 = v128.load32_splat(at + 3 * scoreStep);
        const x = v128.load(v);
        a0 = madd(s0, x, a0);
        a1 = madd(s1, x, a1);
        a2 = madd(s2, x, a2);
        a3 = madd(s3, x, a3);
        if (second) {
          const y = v128.load(v, 16);
          b0 = madd(s0, y, b0);
          b1 = madd(s1, y, b1);
          b2 = madd(s2, y, b2);
          b3 = madd(s3, y, b3);
        }
        v += <usize>dp << 2;
      }
    }
    const to = out + (<usize>i << 2);
    put(to, a0, d - i);
    put(to + outStep, a1, d - i);
    put(to + 2 * outStep, a2, d - i);
    put(to + 3 * outStep, a3, d - i);
    if (second) {
      put(to + 16, b0, d - i - 4);
      put(to + 16 + outStep, b1, d - i - 4);
      put(to + 16 + 2 * outStep, b2, d - i - 4);
      put(to + 16 + 3 * outStep, b3, d - i - 4);
    }
  }
}

/** Stores the first `n` (at most 4) lanes. */
// @ts-ignore: decorator
@inline
function put(to: usize, v: v128, n: i32): void {
  if (n >= 4) {
    v128.store(to, v);
    return;
  }
  if (n > 0) store<f32>(to, f32x4.extract_lane(v, 0));
  if (n > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4);
  if (n > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8);
}

function mix1(
  scores: usize,
  count: i32,
  head: i32,
  headElements: i32,
  dp: i32,
  d: i32,
  pages: usize,
  out: usize,
): void {
  for (let i = 0; i < dp; i += 4) {
    let a0 = f32x4.splat(0);
    for (let from = 0; from < count; from += PAGE) {
      let v = valueRow(pages, from, head, headElements, dp) + (<usize>i << 2);
      const end = min<i32>(count, from + PAGE);
      for (let p = from; p < end; p++) {
        a0 = madd(v128.load32_splat(scores + (<usize>p << 2)), v128.load(v), a0);
        v += <usize>dp << 2;
      }
    }
    put(out + (<usize>i << 2), a0, d - i);
  }
}

/** Bytes of a cache line, as far apart as reads have to be to fetch all of a range. */
const LINE: usize = 64;

/**
 * Reads one word of every cache line of a head's keys or values, so that all of them are on their way at once: the
 * chains of sums below would fetch two lines at a time (a third of the time with pages from memory). What it returns
 * says nothing, but must be used.
 */
function touch(pages: usize, count: i32, head: i32, headElements: i32, dp: i32): v128 {
  let a = f32x4.splat(0);
  let b = a;
  for (let from = 0; from < count; from += PAGE) {
    const page: usize = load<u32>(pages + ((<usize>(from / PAGE)) << 2));
    const at = page + ((<usize>head * headElements) << 2);
    const end = at + ((<usize>((min<i32>(count - from, PAGE) + 3) & ~3) * dp) << 2);
    let line = at;
    for (; line + LINE < end; line += 2 * LINE) {
      a = v128.or(a, v128.load(line));
      b = v128.or(b, v128.load(line + LINE));
    }
    if (line < end) a = v128.or(a, v128.load(line));
  }
  return v128.or(a, b);
}

/**
 * Causal grouped-query attention of `rows` consecutive positions of one sequence over its pages, for the key-value heads
 * kvFrom..kvTo-1 and the query heads that share them.
 * q: [rows][heads][d], out: [rows][heads][d] (row strides given); scratch: 4 * (positions rounded up to 4) elements.
 */
export function attend(
  q: usize,
  qStride: i32,
  out: usize,
  outStride: i32,
  rows: i32,
  position: i32,
  heads: i32,
  kvHeads: i32,
  d: i32,
  scale: f32,
  pages: usize,
  scratch: usize,
  kvFrom: i32,
  kvTo: i32,
): void {
  const dp = (d + 3) & ~3;
  const headElements = dp * PAGE;
  const group = heads / kvHeads;
  const headBytes = <usize>d << 2;
  const scale4 = f32x4.splat(scale);
  for (let r = 0; r < rows; r++) {
    const count = position + r + 1;
    const groups = (count + 3) >> 2;
    const step = <usize>groups << 4;
    for (let kv = kvFrom; kv < kvTo; kv++) {
      if (r === 0) {
        const keys = touch(pages, count, kv, headElements, dp);
        v128.store(scratch, v128.or(keys, touch(pages, count, kvHeads + kv, headElements, dp)));
      }
      let h = kv * group;
      const end = h + group;
      for (; h + 4 <= end; h += 4) {
        const from = q + ((<usize>r * qStride) << 2) + <usize>h * headBytes;
        score4(from, headBytes, d, dp, groups, kv, headElements, pages, scratch, step, scale4);
        softmax(scratch, count);
        softmax(scratch + step, count);
        softmax(scratch + 2 * step, count);
        softmax(scratch + 3 * step, count);
        const to = out + ((<usize>r * outStride) << 2) + <usize>h * headBytes;
        mix4(scratch, step, count, kvHeads + kv, headElements, dp, d, pages, to, headBytes);
      }
      for (; h < end; h++) {
        const from = q + ((<usize>r * qStride) << 2) + <usize>h * headBytes;
        score1(from, d, dp, 0, groups, kv, headElements, pages, scratch, scale4);
        softmax(scratch, count);
        const to = out + ((<usize>r * outStride) << 2) + <usize>h * headBytes;
        mix1(scratch, count, kvHeads + kv, headElements, dp, d, pages, to);
      }
    }
  }
}

/** The end of x . w: what is behind the whole eights, and the sum of their two chains. */
// @ts-ignore: decorator
@inline
function dotEnd(row: usize, w: usize, n: i32, a: v128, b: v128): f32 {
  const whole = n & ~3;
  let i = n & ~7;
  if (i < whole) a = madd(v128.load(row + (<usize>i << 2)), v128.load(w + (<usize>i << 2)), a);
  let sum = horizontalSum(f32x4.add(a, b));
  for (i = whole; i < n; i++) sum += load<f32>(row + (<usize>i << 2)) * load<f32>(w + (<usize>i << 2));
  return sum;
}

/** out[r][e] = x[r] . weight[e], per row; weight rows are n elements. Four experts at a time, each with its own chains. */
export function router(
  x: usize,
  xStride: i32,
  weight: usize,
  out: usize,
  rows: i32,
  n: i32,
  experts: i32,
): void {
  const eights = n & ~7;
  const step = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const row = x + ((<usize>r * xStride) << 2);
    const to = out + ((<usize>r * experts) << 2);
    let e = 0;
    for (; e + 4 <= experts; e += 4) {
      const w = weight + <usize>e * step;
      let a0 = f32x4.splat(0);
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b0 = a0;
      let b1 = a0;
      let b2 = a0;
      let b3 = a0;
      for (let i = 0; i < eights; i += 8) {
        const at = <usize>i << 2;
        const v = v128.load(row + at);
        const u = v128.load(row + at, 16);
        let p = w + at;
        a0 = madd(v, v128.load(p), a0);
        b0 = madd(u, v128.load(p, 16), b0);
        p += step;
        a1 = madd(v, v128.load(p), a1);
        b1 = madd(u, v128.load(p, 16), b1);
        p += step;
        a2 = madd(v, v128.load(p), a2);
        b2 = madd(u, v128.load(p, 16), b2);
        p += step;
        a3 = madd(v, v128.load(p), a3);
        b3 = madd(u, v128.load(p, 16), b3);
      }
      const at = to + (<usize>e << 2);
      store<f32>(at, dotEnd(row, w, n, a0, b0));
      store<f32>(at, dotEnd(row, w + step, n, a1, b1), 4);
      store<f32>(at, dotEnd(row, w + 2 * step, n, a2, b2), 8);
      store<f32>(at, dotEnd(row, w + 3 * step, n, a3, b3), 12);
    }
    for (; e < experts; e++) {
      const w = weight + <usize>e * step;
      let a = f32x4.splat(0);
      let b = a;
      for (let i = 0; i < eights; i += 8) {
        const at = <usize>i << 2;
        a = madd(v128.load(row + at), v128.load(w + at), a);
        b = madd(v128.load(row + at, 16), v128.load(w + at, 16), b);
      }
      store<f32>(to + (<usize>e << 2), dotEnd(row, w, n, a, b));
    }
  }
}

/** target += source, n elements. */
export function add(target: usize, source: usize, n: i32): void {
  const whole = n & ~3;
  for (let i = 0; i < whole; i += 4) {
    const at = <usize>i << 2;
    v128.store(target + at, f32x4.add(v128.load(target + at), v128.load(source + at)));
  }
  for (let i = whole; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(target + at, load<f32>(target + at) + load<f32>(source + at));
  }
}

/** target += scale * source, n elements, the product not rounded on its own in the vector part. */
export function addScaled(target: usize, source: usize, scale: f32, n: i32): void {
  const whole = n & ~3;
  const scale4 = f32x4.splat(scale);
  for (let i = 0; i < whole; i += 4) {
    const at = <usize>i << 2;
    v128.store(target + at, madd(scale4, v128.load(source + at), v128.load(target + at)));
  }
  for (let i = whole; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(target + at, load<f32>(target + at) + scale * load<f32>(source + at));
  }
}

/** Copies rows of n elements that lie one after the other to places toStride elements apart. */
export function spread(from: usize, to: usize, rows: i32, n: i32, toStride: i32): void {
  const bytes = <usize>n << 2;
  for (let r = 0; r < rows; r++) memory.copy(to + ((<usize>r * toStride) << 2), from + <usize>r * bytes, bytes);
}
