// A canvas with axes, and what is drawn between them.

const LEFT = 46;
const BELOW = 36;
const BAR = 58;

class Board {
  /** A panel of numbers over numbers; `ratio` is the height of what is between the axes over its width. */
  constructor(canvas, { x, y, ratio, bar = null }) {
    Object.assign(this, { canvas, xAxis: x, yAxis: y, ratio, bar });
    this.context = canvas.getContext("2d");
  }

  /** Clear the canvas, make it as large as its place, and return what draws on it. */
  begin() {
    const density = window.devicePixelRatio || 1;
    this.width = this.canvas.parentElement.clientWidth;
    this.right = this.width - (this.bar ? BAR : 8);
    this.top = 8;
    this.bottom = this.top + Math.round(this.ratio * (this.right - LEFT));
    this.height = this.bottom + BELOW;
    this.canvas.width = Math.round(this.width * density);
    this.canvas.height = Math.round(this.height * density);
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.x = linearScale(this.xAxis.low, this.xAxis.high, LEFT, this.right);
    this.y = linearScale(this.yAxis.low, this.yAxis.high, this.bottom, this.top);
    return this.context;
  }

  /** Let `draw` reach nothing outside the axes. */
  inside(draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(LEFT, this.top, this.right - LEFT, this.bottom - this.top);
    this.context.clip();
    draw(this.context);
    this.context.restore();
  }

  /** Draw ticks and names; an axis without `ticks` of its own has numbers. */
  axes() {
    const { context } = this;
    context.strokeStyle = theme.muted;
    context.fillStyle = theme.text;
    context.lineWidth = 1;
    context.strokeRect(LEFT + 0.5, this.top + 0.5, this.right - LEFT - 1, this.bottom - this.top - 1);
    context.font = `11px ${theme.font}`;
    context.textAlign = "center";
    const across = this.ticks(this.xAxis, this.x, (this.right - LEFT) / 70, 7);
    for (const [value, name] of across.ticks) {
      context.fillRect(this.x(value) - 0.5, this.bottom, 1, 4);
      const half = context.measureText(name).width / 2;
      context.fillText(name, Math.min(this.x(value), this.width - half), this.bottom + 15);
    }
    context.fillText(across.name, (LEFT + this.right) / 2, this.height - 5, this.right - LEFT);
    context.textAlign = "right";
    const up = this.ticks(this.yAxis, this.y, (this.bottom - this.top) / 50, 6);
    for (const [value, name] of up.ticks) {
      context.fillRect(LEFT - 4, this.y(value) - 0.5, 4, 1);
      context.fillText(name, LEFT - 6, this.y(value) + 4, LEFT - 20);
    }
    this.aside(up.name, 11);
    if (this.bar) this.drawBar();
  }

  /** Pairs of a number and how it is written, in about `room` letters, and the name of the axis. */
  ticks(axis, scale, count, room) {
    if (axis.ticks) return axis;
    const values = scale.ticks(Math.max(2, count));
    const { names, offset } = nameTicks(values, room);
    return { ticks: values.map((value, i) => [value, names[i]]), name: axis.name + lessOffset(offset) };
  }

  /** Write along the height, at x. */
  aside(text, x) {
    const { context } = this;
    context.save();
    context.translate(x, (this.top + this.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(text, 0, 0, this.bottom - this.top);
    context.restore();
  }

  drawBar() {
    const { context, bar } = this;
    const left = this.right + 8;
    const height = this.bottom - this.top;
    for (let row = 0; row < height; row++) {
      context.fillStyle = css(bar.color(1 - row / (height - 1)));
      context.fillRect(left, this.top + row, 10, 1);
    }
    const scale = linearScale(bar.low, bar.high, this.bottom, this.top);
    context.fillStyle = theme.text;
    context.textAlign = "left";
    const { ticks, name } = this.ticks(bar, scale, 4, 5);
    for (const [value, text] of ticks) context.fillText(text, left + 13, scale(value) + 4, 22);
    this.aside(name, this.width - 4);
  }

  /** Fill the space between the axes with colours at the points of a grid, blended in between. */
  fill(columns, rows, color) {
    const image = new ImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const place = 4 * ((rows - 1 - row) * columns + column);
        const [red, green, blue] = color(row * columns + column);
        image.data[place] = red;
        image.data[place + 1] = green;
        image.data[place + 2] = blue;
        image.data[place + 3] = 255;
      }
    }
    const source = new OffscreenCanvas(columns, rows);
    source.getContext("2d").putImageData(image, 0, 0);
    const width = this.right - LEFT;
    const height = this.bottom - this.top;
    // A pixel of the image is around its point, and the outermost points are on the axes.
    this.inside((context) => {
      context.imageSmoothingQuality = "high";
      context.drawImage(source, 0.5, 0.5, columns - 1, rows - 1, LEFT, this.top, width, height);
    });
  }

  /** Draw the line at which values on a grid pass a level: marching squares, straight in each. */
  contour(columns, rows, value, level, color, thickness) {
    const x = linearScale(0, columns - 1, LEFT, this.right);
    const y = linearScale(0, rows - 1, this.bottom, this.top);
    this.inside((context) => {
      context.beginPath();
      for (let row = 0; row < rows - 1; row++) {
        for (let column = 0; column < columns - 1; column++) {
          const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
          const heights = corners.map(([i, j]) => value(j * columns + i) - level);
          const points = [];
          for (let side = 0; side < 4; side++) {
            const [a, b] = [heights[side], heights[(side + 1) % 4]];
            if (a < 0 === b < 0) continue;
            const [from, to] = [corners[side], corners[(side + 1) % 4]];
            points.push(mix(from, to, a / (a - b)));
          }
          for (let i = 0; i + 1 < points.length; i += 2) {
            context.moveTo(x(points[i][0]), y(points[i][1]));
            context.lineTo(x(points[i + 1][0]), y(points[i + 1][1]));
          }
        }
      }
      context.strokeStyle = color;
      context.lineWidth = thickness;
      context.stroke();
    });
  }

  /** Draw a line through points; where there is none it is interrupted. */
  polyline(xs, ys, color, thickness, dash = []) {
    this.inside((context) => {
      context.beginPath();
      let pen = false;
      xs.forEach((x, i) => {
        if (ys[i] === null) pen = false;
        else if (pen) context.lineTo(this.x(x), this.y(ys[i]));
        else context.moveTo(this.x(x), this.y(ys[i]));
        pen = ys[i] !== null;
      });
      context.setLineDash(dash);
      context.lineJoin = "round";
      context.strokeStyle = color;
      context.lineWidth = thickness;
      context.stroke();
    });
  }

  /** Draw a marker at (x, y): filled for train, else outlined. A sample with a missing input has no place. */
  marker(split, x, y, radius, color) {
    if (x === null || y === null) return;
    const { context } = this;
    const filled = split === "train";
    trace(context, MARKERS[split], this.x(x), this.y(y), radius);
    context.fillStyle = filled ? color : css(theme.plane);
    context.strokeStyle = filled ? css(theme.plane) : color;
    context.lineWidth = filled ? 0.7 : 1.4;
    context.fill();
    context.stroke();
  }
}

/** Begin the outline of a marker. */
function trace(context, shape, x, y, radius) {
  context.beginPath();
  if (shape === "square") context.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius);
  else if (shape === "cross") {
    for (const side of [-1, 1]) {
      context.moveTo(x - radius, y - side * radius);
      context.lineTo(x + radius, y + side * radius);
    }
  } else if (shape === "triangle") {
    context.moveTo(x, y - 1.2 * radius);
    context.lineTo(x + 1.1 * radius, y + 0.8 * radius);
    context.lineTo(x - 1.1 * radius, y + 0.8 * radius);
    context.closePath();
  } else context.arc(x, y, radius, 0, 2 * Math.PI);
}

/** The radius of markers in pixels: the fewer there are, the larger. */
function markerSize(count) {
  return Math.min(4, Math.max(1.8, 75 / Math.sqrt(count)));
}
