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

/** Labels of what is proposed at the mark | in a text. */
async function complete(marked) {
  const document = open(marked.replace("|", ""));
  const place = document.positionAt(marked.indexOf("|"));
  const { items } = await service.doComplete(document, place, service.parseJSONDocument(document));
  return items.map((item) => item.label.replaceAll('"', "")).sort();
}

/** Texts that are underlined as wrong. */
async function wrong(text, name) {
  const document = open(text, name);
  const found = await service.doValidation(document, service.parseJSONDocument(document));
  return found.map(({ range }) => document.getText(range));
}

const names = (group) =>
  Object.keys(schema.$defs).filter((name) => name.startsWith(`${group}.`)).map((name) => name.slice(group.length + 1));
const top = Object.keys(schema.$defs.spec.properties);
const linear = ["bias", "bias_init", "units", "weight_init"];
const cosine = ["final", "initial", "steps", "warmup"];

const COMPLETIONS = [
  ["{|}", top],
  ['{"seed": 1, |}', top.filter((key) => key !== "seed")],
  ['{"extends": "parent.json", |}', top.filter((key) => key !== "extends")],
  ['{"layers": [{|}]}', ["type"]],
  ['{"layers": [{"type": |}]}', names("layers")],
  ['{"layers": [{"type": "|"}]}', names("layers")],
  ['{"layers": ["tanh", {"type": "linear", |}]}', linear],
  ['{"layers": [{"type": "residual", |}]}', ["layers"]],
  ['{"layers": [{"type": "residual", "layers": [{"type": |}]}]}', names("layers")],
  ['{"layers": [{"type": "residual", "layers": [{"type": "linear", |}]}]}', linear],
  ['{"layers": [{"type": "parallel", "branches": [[], [{"type": "linear", |}]]}]}', linear],
  ['{"layers": [{"type": "linear", "weight_init": {"type": "|"}}]}', names("initializers")],
  ['{"layers": [{"type": "linear", "weight_init": |}]}', names("initializers").filter((name) => name !== "constant")],
  ['{"layers": [{"type": "linear", "weight_init": {"type": "normal", |}}]}', ["mean", "std"]],
  ['{"optimizer": {"type": "sgd", "learning_rate": {"type": "|"}}}', names("schedules")],
  ['{"optimizer": {"type": "adam", "learning_rate": {"type": "cosine", |}}}', cosine],
  ['{"extends": "parent.json", "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", |}}}', cosine],
  ['{"extends": "parent.json", "split": {|}}', ["stratify", "test", "validation"]],
  ['{"dtype": |}', ["float32", "float64"]],
  ['{"loss": |}', names("losses")],
  ['{"loss": {"type": "mse", "reduction": |}}', ["mean", "sum"]],
  ['{"training": {"early_stopping": {"mode": |}}}', ["max", "min", "null"]],
];
for (const [marked, expected] of COMPLETIONS) {
  const proposed = await complete(marked);
  assert.deepEqual(proposed, [...expected].sort(), marked);
  console.log(`${marked}\n  ${proposed.join(" ")}`);
}

const wrap = (layer) => `{"dataset": "spiral", "loss": "mse", "layers": [${layer}]}`;
const MISTAKES = [
  [wrap('"tanh"'), []],
  [wrap('"tahn"'), ['"tahn"']],
  [wrap('{"type": "residual", "layers": [{"type": "linear", "units": 2, "bais": true}]}'), ['"bais"']],
  [wrap('{"type": "residual", "layers": [{"type": "liner", "units": 2}]}'), ['"liner"']],
  [wrap('{"type": "linear", "units": 0}'), ["0"]],
  ['{"extends": "parent.json", "training": {"epochs": 3}}', []],
  ['{"extends": "parent.json", "optimizer": {"type": "adam", "momentum": null}}', []],
  ['{"extends": "parent.json", "optimizer": {"type": "sgd", "momentun": 7}}', ["7"]],
];
for (const [text, expected] of MISTAKES) assert.deepEqual(await wrong(text), expected, text);

const specs = readdirSync(SPECS).filter((name) => name.endsWith(".json") && name !== "specnet.schema.json");
for (const name of specs) {
  const text = readFileSync(new URL(name, SPECS), "utf8");
  assert.deepEqual(await wrong(text, name), [], name);
  assert.deepEqual(await wrong(text.replace('"seed"', '"sead"'), name), ['"sead"'], name);
}
console.log(`${COMPLETIONS.length} completions, ${MISTAKES.length} texts with mistakes or none, ${specs.length} specs`);
