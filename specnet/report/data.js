// What the page holds, the frames packed in it, and the few things that all of its scripts need.

const held = JSON.parse(document.getElementById("held").textContent);

/** Recorded numbers: `at(frame)` gives those of a frame as a flat array, in the order of `shape`. */
class Frames {
  constructor(packed, bytes) {
    const { shape, octets, low, step } = packed;
    this.count = shape[0];
    this.shape = shape.slice(1);
    this.size = this.shape.reduce((product, length) => product * length, 1);
    this.low = low;
    this.step = step;
    const total = this.count * this.size;
    this.levels = octets === 2 ? new Uint16Array(total) : new Uint8Array(total);
    // High bytes come first, and each frame is the difference to the one before; what overflows is meant to.
    for (let i = 0; i < total; i++) {
      const difference = octets === 2 ? 256 * bytes[i] + bytes[total + i] : bytes[i];
      this.levels[i] = difference + (i >= this.size ? this.levels[i - this.size] : 0);
    }
  }

  at(frame) {
    return Float64Array.from(
      this.levels.subarray(frame * this.size, (frame + 1) * this.size),
      (level) => this.low + level * this.step,
    );
  }
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Frames(packed, new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** The place of the last of ascending numbers that is not greater than a value; -1 if all are. */
function lastUpTo(numbers, value) {
  let low = -1;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (numbers[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The place of the one of ascending numbers that is nearest to a value. */
function nearest(numbers, value) {
  const before = Math.max(0, lastUpTo(numbers, value));
  const after = Math.min(before + 1, numbers.length - 1);
  return value - numbers[before] <= numbers[after] - value ? before : after;
}

/** A number with four digits, a small one as a power of ten. */
function show(number) {
  if (number === null || number === undefined) return "–";
  const rounded = Number(number.toPrecision(4));
  return rounded !== 0 && Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

function percent(share) {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** A new element with attributes and children; text goes in as text. */
function element(name, attributes = {}, ...children) {
  const made = name in SVG ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const SVG = { svg: 1, path: 1, line: 1, circle: 1, rect: 1, text: 1, g: 1 };
const DASHES = ["none", "6 3", "2 2.5", "9 3 2 3"];
const MARKERS = { train: "circle", validation: "square", test: "triangle" };

// Colours of the style sheet, as the reader's light or dark preference has them.

let theme = readTheme();

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read("text"), muted: read("muted"), edge: read("edge"), font: style.fontFamily,
    plane: parse(read("plane")),
    palette: Array.from({ length: 7 }, (_, i) => parse(read(`c${i}`))),
  };
}

function parse(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

function css(rgb, alpha = 1) {
  return `rgb(${rgb.map(Math.round).join(" ")} / ${alpha})`;
}

function mix(a, b, share) {
  return a.map((value, i) => value + share * (b[i] - value));
}

/** The colour of one of `count` classes: of the palette, or where that is too short of a rainbow. */
function classColor(number, count) {
  if (count <= theme.palette.length) return theme.palette[number];
  const hue = (12 * number) / count;
  return [0, 8, 4].map((shift) => {
    const place = (shift + hue) % 12;
    return 128 - 97 * Math.max(-1, Math.min(place - 3, 9 - place, 1));
  });
}

// From dark to light, and equally far apart for every eye: the stops of viridis.
const STOPS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"]
  .map(parse);

function sequential(share) {
  const place = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const stop = Math.min(Math.floor(place), STOPS.length - 2);
  return mix(STOPS[stop], STOPS[stop + 1], place - stop);
}

// Scales: from numbers to pixels, with the numbers that an axis names.

function linearScale(low, high, from, to) {
  const scale = (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  scale.invert = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
  scale.ticks = (count, whole = false) => {
    const rough = (high - low || 1) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const factor = [1, 2, 5, 10].find((each) => 1.4 * each * power >= rough);
    const step = whole ? Math.max(1, Math.round(factor * power)) : factor * power;
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
  };
  return scale;
}

function logScale(low, high, from, to) {
  const inner = linearScale(Math.log10(low), Math.log10(high), from, to);
  const scale = (value) => inner(Math.log10(value));
  scale.ticks = (count) => {
    const decades = Math.log10(high / low);
    const factors = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 3 ? [1, 2, 5] : [1];
    const stride = Math.max(1, Math.round(decades / count));
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      if (power % stride === 0) ticks.push(...factors.map((factor) => factor * 10 ** power));
    }
    return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  };
  return scale;
}
