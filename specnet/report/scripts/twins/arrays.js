// Arrays of float64, held row by row, and what layers and losses are made of.

function product(sizes) {
  return sizes.reduce((total, size) => total * size, 1);
}

/** Add to row i of y (n, m) the sum over p < k of `factor(p)` times row p of b (k, m): four rows at a time. */
function addRows(y, i, b, k, m, factors, start, stride) {
  let p = 0;
  for (; p + 3 < k; p += 4) {
    const [from, row] = [start + p * stride, p * m];
    const [f0, f1, f2, f3] = [factors[from], factors[from + stride], factors[from + 2 * stride], factors[from + 3 * stride]];
    for (let j = 0; j < m; j++) y[i * m + j] += f0 * b[row + j] + f1 * b[row + m + j] + f2 * b[row + 2 * m + j] + f3 * b[row + 3 * m + j];
  }
  for (; p < k; p++) for (let j = 0; j < m; j++) y[i * m + j] += factors[start + p * stride] * b[p * m + j];
}

/** a b, for a (n, k) and b (k, m). */
function multiply(a, b, n, k, m) {
  const y = new Float64Array(n * m);
  for (let i = 0; i < n; i++) addRows(y, i, b, k, m, a, i * k, 1);
  return y;
}

/** a^T b, for a (n, k) and b (n, m), written to y (k, m). */
function multiplyTransposed(a, b, n, k, m, y) {
  y.fill(0);
  for (let p = 0; p < k; p++) addRows(y, p, b, n, m, a, p, k);
}

/** a^T, for a (n, m). */
function transpose(a, n, m) {
  const y = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) y[j * n + i] = a[i * m + j];
  return y;
}

/** The sum of the rows of a (n, m), written to y (m). */
function sumRows(a, m, y = new Float64Array(m)) {
  y.fill(0);
  for (let i = 0; i < a.length; i++) y[i % m] += a[i];
  return y;
}

/** The sum of numbers, or of what a function makes of each. */
function sum(a, f = (value) => value) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += f(a[i], i);
  return total;
}

/** The sum of arrays of the same length. */
function add(a, b) {
  return a.map((value, i) => value + b[i]);
}

/** f(a, b) of each pair of numbers. */
function pairwise(a, b, f) {
  return a.map((value, i) => f(value, b[i]));
}

/** f(row, start) of each row of k numbers, in one array. */
function eachRow(x, k, f) {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += k) y.set(f(x.subarray(start, start + k), start), start);
  return y;
}

/** exp(x) / sum exp(x) of each row of k numbers. */
function softmax(x, k, temperature = 1) {
  return eachRow(x, k, (row) => {
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const e = row.map((value) => Math.exp((value - most) / temperature));
    const total = sum(e);
    return e.map((value) => value / total);
  });
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clip = (x, low, high) => Math.min(Math.max(x, low), high);
