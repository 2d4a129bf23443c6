// Windows over the positions of images (height, width, channels) and sequences (time, channels).

/** A value for each of `rank` axes. */
function perAxis(value, rank) {
  return Array.isArray(value) ? value : new Array(rank).fill(value);
}

/** A layer with windows of `kernel` places, `strides` positions apart, over axes with padding. */
class WindowLayer extends Layer {
  slide(kernel, strides, dilation = 1) {
    const sizes = this.input.slice(0, -1);
    this.channels = this.input.at(-1);
    this.axes = sizes.map((size, axis) => {
      const [k, s, d] = [kernel, strides, dilation].map((value) => perAxis(value, sizes.length)[axis]);
      const extent = (k - 1) * d + 1;
      let sides = [0, 0];
      if (this.padding === "same") {
        const total = Math.max((Math.ceil(size / s) - 1) * s + extent - size, 0);
        sides = [Math.floor(total / 2), Math.ceil(total / 2)];
      } else if (this.padding !== "valid") {
        const given = perAxis(this.padding, sizes.length)[axis];
        sides = Array.isArray(given) ? given : [given, given];
      }
      const count = Math.floor((size + sides[0] + sides[1] - extent) / s) + 1;
      return { size, k, s, d, before: sides[0], count };
    });
    this.windows = this.axes.map(({ count }) => count);
    this.places = product(this.axes.map(({ k }) => k));
    return this.windows;
  }

  /** Call `visit(window, place, position)` with numbers of windows, of places of a window, and of where these are in
   * a sample; padding is left out. A sequence is an image of width 1.
   */
  each(visit) {
    const one = { size: 1, k: 1, s: 1, d: 1, before: 0, count: 1 };
    const [down, across = one] = this.axes;
    for (let row = 0; row < down.count; row++) {
      for (let column = 0; column < across.count; column++) {
        for (let i = 0; i < down.k; i++) {
          const y = row * down.s + i * down.d - down.before;
          if (y < 0 || y >= down.size) continue;
          for (let j = 0; j < across.k; j++) {
            const x = column * across.s + j * across.d - across.before;
            if (x >= 0 && x < across.size) visit(row * across.count + column, i * across.k + j, y * across.size + x);
          }
        }
      }
    }
  }

  /** Call `visit` with where the channels begin of each window of y and of each position of x in a batch. */
  eachOf(n, filters, visit) {
    const [inside, outside] = [product(this.input), product(this.windows) * filters];
    for (let sample = 0; sample < n; sample++) {
      this.each((window, at, position) => visit(sample * outside + window * filters, sample * inside + position * this.channels, at));
    }
  }
}
