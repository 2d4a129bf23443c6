// y_p = b + sum_k x_(s p + d k) W_k for windows p and places k, with strides s and dilation d.
// db = sum dy_p, dW_k = sum_p x_(s p + d k)^T dy_p, and dx_q sums dy_p W_k^T over all p and k with s p + d k = q.

class Convolution extends WindowLayer {
  build() {
    this.output = [...this.slide(this.kernel_size, this.strides, this.dilation_rate), this.filters];
    const fanIn = this.places * this.channels;
    this.declare("weight", [...this.axes.map(({ k }) => k), this.channels, this.filters], this.weight_init, fanIn, this.places * this.filters);
    if (this.use_bias) this.declare("bias", [this.filters], this.bias_init, fanIn);
  }

  forward(x, n) {
    const { channels, filters, weight } = this;
    this.x = x;
    const y = new Float64Array(n * this.size);
    if (this.use_bias) for (let i = 0; i < y.length; i++) y[i] = this.bias[i % filters];
    this.eachOf(n, filters, (p, q, k) => {
      for (let c = 0; c < channels; c++) {
        const row = (k * channels + c) * filters;
        for (let f = 0; f < filters; f++) y[p + f] += x[q + c] * weight[row + f];
      }
    });
    return y;
  }

  backward(dy, n) {
    const { channels, filters, weight, x, grad } = this;
    if (this.use_bias) sumRows(dy, filters, grad.bias);
    grad.weight.fill(0);
    const dx = new Float64Array(x.length);
    this.eachOf(n, filters, (p, q, k) => {
      for (let c = 0; c < channels; c++) {
        const row = (k * channels + c) * filters;
        for (let f = 0; f < filters; f++) {
          grad.weight[row + f] += x[q + c] * dy[p + f];
          dx[q + c] += dy[p + f] * weight[row + f];
        }
      }
    });
    return dx;
  }
}

LAYERS.conv1d = LAYERS.conv2d = Convolution;
