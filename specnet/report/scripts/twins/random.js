// The random numbers of NumPy's default generator.

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** PCG64, a linear congruential generator of 128 bits whose output is folded and turned. O'Neill, 2014. */
class Generator {
  /** `state` and `inc` are decimal numbers, as NumPy saves them; of an integer seed any odd `inc` makes a stream. */
  constructor({ state, inc = "1", has_uint32 = 0, uinteger = 0 }) {
    Object.assign(this, { state: BigInt(state), inc: BigInt(inc), waiting: has_uint32 ? uinteger : null });
  }

  next64() {
    this.state = BigInt.asUintN(128, this.state * MULTIPLIER + this.inc);
    const folded = BigInt.asUintN(64, (this.state >> 64n) ^ this.state);
    const turn = this.state >> 122n;
    return BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
  }

  /** Half of a number of 64 bits: first the low one, then the high one. */
  next32() {
    if (this.waiting !== null) {
      const high = this.waiting;
      this.waiting = null;
      return high;
    }
    const both = this.next64();
    this.waiting = Number(both >> 32n);
    return Number(both & 0xffffffffn);
  }

  /** A number in [0, 1), as `random` draws it in float64, or in float32 if `single`. */
  uniform(single = false) {
    return single ? (this.next32() >>> 8) / 2 ** 24 : Number(this.next64() >> 11n) / 2 ** 53;
  }

  /** A whole number from 0 to `most`, each as likely as the others: bits are drawn until they are not too large. */
  below(most) {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    for (;;) {
      const value = (this.next32() & mask) >>> 0;
      if (value <= most) return value;
    }
  }

  /** The numbers below `count` in a new order, as `permutation` draws it. Fisher & Yates, 1938. */
  permutation(count) {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** A normal number of mean 0 and variance 1, not as NumPy draws it. Box & Muller, 1958. */
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
