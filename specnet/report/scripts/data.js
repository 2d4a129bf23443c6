// What the page holds, the frames packed in it, and the few things that all of its scripts need.

const held = JSON.parse(document.getElementById("held").textContent);

/** Recorded numbers: `at(frame)` gives those of a frame as a flat array, in the order of `shape`. */
class Frames {
  constructor(packed, bytes) {
    const { shape, octets, low, step } = packed;
    this.count = shape[0];
    this.shape = shape.slice(1);
    this.size = this.shape.reduce((product, length) => product * length, 1);
    // Each frame has a scale of its own, or all have the same.
    this.low = Array.isArray(low) ? low : new Array(this.count).fill(low);
    this.step = Array.isArray(step) ? step : new Array(this.count).fill(step);
    const total = this.count * this.size;
    this.levels = octets === 2 ? new Uint16Array(total) : new Uint8Array(total);
    // High bytes come first, and each frame is the difference to the one before; what overflows is meant to.
    for (let i = 0; i < total; i++) {
      const difference = octets === 2 ? 256 * bytes[i] + bytes[total + i] : bytes[i];
      this.levels[i] = difference + (i >= this.size ? this.levels[i - this.size] : 0);
    }
  }

  at(frame) {
    const [low, step] = [this.low[frame], this.step[frame]];
    return Float64Array.from(this.levels.subarray(frame * this.size, (frame + 1) * this.size), (level) => low + level * step);
  }
}

async function unpack(packed) {
  return new Frames(packed, await inflate(packed.data));
}

/** The bytes that a text in base64 stands for, deflated. */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
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

/** A number with four digits, a small or a large one with a power of ten. */
function show(number) {
  if (number === null || number === undefined) return "–";
  const rounded = Number(number.toPrecision(4));
  return written(rounded);
}

/** All digits of a number, in groups of three from ten thousand on; a power of ten below 1e-3 and from 1e9 on. */
function written(number) {
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return number.toExponential().replace("+", "");
  return size >= 1e4 ? number.toLocaleString("en", { maximumFractionDigits: 9 }) : String(number);
}

/**
 * The names of an axis's ticks, and an `offset` that is to be added to them: 0, unless names with all digits that tell
 * neighbours apart would take more than `room` letters.
 */
function nameTicks(ticks, room) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0]);
  const exact = (names) => names.every((name, i) => Math.abs(Number(name.replaceAll(",", "")) - ticks[i]) <= 0.01 * step);
  const largest = Math.max(...ticks.map(Math.abs));
  const [unit, letter] = largest >= 1e6 ? [1e6, "M"] : [1e3, "k"];
  if (largest >= 1e5 && largest < 1e9 && step >= unit / 100) {
    return { names: ticks.map((tick) => `${Number((tick / unit).toFixed(2))}${tick ? letter : ""}`), offset: 0 };
  }
  const short = ticks.map((tick) => (show(tick).length > room ? Number(tick.toPrecision(4)).toExponential().replace("+", "") : show(tick)));
  if (exact(short)) return { names: short, offset: 0 };
  const long = ticks.map((tick) => written(Number(tick.toPrecision(12))));
  if (ticks.length < 2 || (exact(long) && long.every((name) => name.length <= room))) return { names: long, offset: 0 };
  const span = ticks.at(-1) - ticks[0];
  const round = 10 ** Math.ceil(Math.log10(span));
  const offset = Number((Math.round((ticks[0] + span / 2) / round) * round).toPrecision(15));
  // What is left are multiples of the step, which has one digit, but for what subtraction has lost.
  const whole = Number((span / (ticks.length - 1)).toPrecision(1));
  return { names: ticks.map((tick) => show(Math.round((tick - offset) / whole) * whole)), offset };
}

/** What an axis says of its offset behind its name. */
function lessOffset(offset) {
  return offset === 0 ? "" : ` ${offset > 0 ? "−" : "+"} ${written(Math.abs(offset))}`;
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
    text: read("text"), muted: read("muted"), edge: read("edge"), font: getComputedStyle(document.body).fontFamily,
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

/** The colour of one of `count` classes: of the palette, or where that is too short of a rainbow from red to violet. */
function classColor(number, count) {
  if (count <= theme.palette.length) return theme.palette[number];
  const hue = (10 * number) / (count - 1);
  return [0, 8, 4].map((shift) => {
    const place = (shift + hue) % 12;
    return 128 - 97 * Math.max(-1, Math.min(place - 3, 9 - place, 1));
  });
}

/** Give an element the ink of a number: of the palette, or of as many runs as there are. */
function ink(made, number) {
  if (held.many > 7) made.style.setProperty("--ink", css(classColor(number, held.many)));
  else made.classList.add(`c${number % 7}`);
  return made;
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
    const inside = ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
    return inside.length > 1 ? inside : linearScale(low, high, from, to).ticks(count).filter((tick) => tick > 0);
  };
  return scale;
}
