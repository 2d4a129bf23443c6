// Checks completion and diagnostics of specs in the language server for JSON that Visual Studio Code uses.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import languageService from "vscode-json-languageservice";

const { getLanguageService, TextDocument } = languageService;
const SPECS = new URL("../../specs/", import.meta.url);
const SCHEMA = new URL("specnet.schema.json", SPECS).href;
const schema = JSON.parse(readFileSync(new URL(SCHEMA), "utf8"));
// Specs name the schema themselves, by "$schema"; the short texts below do not.
const service = getLanguageService({
  schemaRequestService: async (uri) => readFileSync(new URL(uri), "utf8"),
  workspaceContext: { resolveRelativePath: (path, base) => new URL(path, base).href },
});
service.configure({ validate: true, schemas: [{ uri: SCHEMA, fileMatch: ["short.json"] }] });

const open = (text, name = "short.json") => TextDocument.create(new URL(name, SPECS).href, "json", 1, text);

/** What is proposed at the mark | in a text, sorted, each with the text that it makes; empty stops are marked ▸. */
async function complete(marked) {
  const document = open(marked.replace("|", ""));
  const place = document.positionAt(marked.indexOf("|"));
  const { items } = await service.doComplete(document, place, service.parseJSONDocument(document));
  const proposed = items.map(({ label, documentation, textEdit: { range, newText } }) => {
    const filled = newText.replace(/\$\{\d+:([^}]*)\}/g, "$1").replace(/(?<!\\)\$\d+/g, "▸").replace(/\\(.)/g, "$1");
    const made = TextDocument.applyEdits(document, [{ range, newText: filled }]);
    return { label: label.replaceAll('"', ""), documentation, made };
  });
  return proposed.sort((one, other) => (one.label < other.label ? -1 : 1));
}

/** Texts that are underlined as wrong; with `messages`, what is said of them. */
async function wrong(text, name, messages = false) {
  const document = open(text, name);
  const found = await service.doValidation(document, service.parseJSONDocument(document));
  return found.map(({ range, message }) => (messages ? message : document.getText(range)));
}

/** Whether nothing is left to fill in, as after a key that takes values of several kinds. */
function isWhole(text) {
  try {
    JSON.parse(text.replaceAll('"▸"', "▸"));
    return true;
  } catch {
    return false;
  }
}

const names = (group) =>
  Object.keys(schema.$defs).filter((name) => name.startsWith(`${group}.`)).map((name) => name.slice(group.length + 1));
const top = Object.keys(schema.$defs.spec.properties);
const linear = ["bias", "bias_init", "units", "weight_init"];
const cosine = ["final", "initial", "steps", "warmup_steps"];

const COMPLETIONS = [
  ["{|}", top],
  ['{"seed": 1, |}', top.filter((key) => key !== "seed")],
  ['{"extends": "parent.json", |}', top.filter((key) => key !== "extends")],
  ['{"layers": [|]}', names("layers")],
  ['{"layers": ["tanh", "|"]}', names("layers")],
  ['{"layers": [{"type": "residual", "layers": [|]}]}', names("layers")],
  ['{"dataset": |}', names("datasets")],
  ['{"extends": "parent.json", "dataset": |}', names("datasets")],
  ['{"layers": [{|}]}', ["type"]],
  ['{"layers": [{"type": |}]}', names("layers")],
  ['{"layers": [{"type": "|"}]}', names("layers")],
  ['{"layers": ["tanh", {"type": "linear", |}]}', linear],
  ['{"layers": [{"type": "residual", |}]}', ["layers"]],
  ['{"layers": [{"type": "residual", "layers": [{"type": |}]}]}', names("layers")],
  ['{"layers": [{"type": "residual", "layers": [{"type": "linear", |}]}]}', linear],
  ['{"layers": [{"type": "parallel", "branches": [[], [{"type": "linear", |}]]}]}', linear],
  ['{"layers": [{"type": "linear", "weight_init": {"type": "|"}}]}', names("initializers")],
  ['{"layers": [{"type": "linear", "weight_init": |}]}', names("initializers")],
  ['{"layers": [{"type": "linear", "weight_init": {"type": "normal", |}}]}', ["mean", "std"]],
  ['{"optimizer": {"type": "sgd", "learning_rate": |}}', ["0.01", ...names("schedules")]],
  ['{"optimizer": {"type": "sgd", "learning_rate": {"type": "|"}}}', names("schedules")],
  ['{"optimizer": {"type": "adam", "learning_rate": {"type": "cosine", |}}}', cosine],
  ['{"extends": "parent.json", "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", |}}}', cosine],
  ['{"optimizer": {"type": "adam", "learning_rate": {"type": "step", |}}}', ["every", "factor", "initial"]],
  ['{"transforms": {"inputs": [|]}}', names("transforms")],
  ['{"transforms": {"inputs": [{"type": "scale", |}]}}', ["factor"]],
  ['{"record": {|}}', ["every", "margin", "points"]],
  ['{"extends": "parent.json", "split": {|}}', ["stratify", "test", "validation"]],
  ['{"dtype": |}', ["float32", "float64"]],
  ['{"loss": |}', names("losses")],
  ['{"loss": {"type": "mse", "reduction": |}}', ["mean", "sum"]],
  ['{"training": {"early_stopping": {"mode": |}}}', ["max", "min", "null"]],
];
for (const [marked, expected] of COMPLETIONS) {
  const proposed = await complete(marked);
  const labels = proposed.map(({ label }) => label);
  assert.deepEqual(labels, [...expected].sort(), marked);
  console.log(`${marked}\n  ${labels.join(" ")}`);
  for (const { made } of proposed.filter(({ made }) => isWhole(made))) {
    const said = await wrong(made, undefined, true);
    assert.deepEqual(said.filter((message) => !message.startsWith("Missing property")), [], made);
  }
}

const INSERTIONS = [
  ['{"layers": [|]}', "linear", '{"layers": [{"type": "linear", "units": 64}]}'],
  ['{"layers": [|]}', "repeat", '{"layers": [{"type": "repeat", "times": 1, "layers": [▸]}]}'],
  ['{"layers": [|]}', "parallel", '{"layers": [{"type": "parallel", "branches": [[▸]]}]}'],
  ['{"layers": [{"type": "linear", |}]}', "units", '{"layers": [{"type": "linear", "units": 64}]}'],
  ['{"dataset": |}', "csv", '{"dataset": {"type": "csv", "path": "▸", "inputs": ["▸"], "targets": ["▸"]}}'],
  ['{"optimizer": {"type": "sgd", "learning_rate": |}}', "cosine",
    '{"optimizer": {"type": "sgd", "learning_rate": {"type": "cosine", "initial": 0.01, "steps": 1000}}}'],
  ["{|}", "$schema", '{"$schema": "./specnet.schema.json"}'],
  ['{"extends": "parent.json", |}', "training", '{"extends": "parent.json", "training": {▸}}'],
];
for (const [marked, name, expected] of INSERTIONS) {
  const { made } = (await complete(marked)).find(({ label }) => label === name);
  assert.equal(made.replace(/\s+/g, ""), expected.replaceAll(" ", ""), marked);
}

// Keys of a spec that extends another come with words on what they are, as do those of one that does not.
for (const inside of ["|", ...["training", "split", "checkpoint", "record"].map((key) => `"${key}": {|}`)]) {
  for (const begin of ["", '"extends": "parent.json", ']) {
    for (const { label, documentation } of await complete(`{${begin}${inside}}`)) assert.ok(documentation, label);
  }
}

const wrap = (layer) => `{"dataset": "spiral", "loss": "mse", "layers": [${layer}]}`;
const MISTAKES = [
  [wrap('"tanh"'), []],
  [wrap('"tahn"'), ['"tahn"']],
  [wrap('{"type": "residual", "layers": [{"type": "linear", "units": 2, "bais": true}]}'), ['"bais"']],
  [wrap('{"type": "residual", "layers": [{"type": "liner", "units": 2}]}'), ['"liner"']],
  [wrap('{"type": "linear", "units": 0}'), ["0"]],
  [wrap('"tanh"').replace("{", '{"optimizer": {"type": "sgd", "nesterov": true}, '), ['"optimizer"']],
  ['{"extends": "parent.json", "optimizer": {"nesterov": true}}', []],
  ['{"extends": "parent.json", "training": {"epochs": 3}}', []],
  ['{"extends": "parent.json", "optimizer": {"type": "adam", "momentum": null}}', []],
  ['{"extends": "parent.json", "optimizer": {"type": "sgd", "momentun": 7}}', ["7"]],
];
for (const [text, expected] of MISTAKES) assert.deepEqual(await wrong(text), expected, text);

const said = await wrong(wrap('"linear"'), undefined, true);
assert.ok(said.some((message) => message.includes('"linear" is an object with "type", "units".')), said);

const specs = readdirSync(SPECS).filter((name) => name.endsWith(".json") && name !== "specnet.schema.json");
for (const name of specs) {
  const text = readFileSync(new URL(name, SPECS), "utf8");
  assert.deepEqual(await wrong(text, name), [], name);
  assert.deepEqual(await wrong(text.replace('"seed"', '"sead"'), name), ['"sead"'], name);
}
console.log(`${COMPLETIONS.length} completions, ${INSERTIONS.length} insertions, ${MISTAKES.length} texts with mistakes or none, ${specs.length} specs`);
