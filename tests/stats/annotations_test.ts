import assert from "node:assert/strict";
import {
  type Annotation,
  annotationLine,
  Annotations,
  MAX_ANNOTATIONS,
} from "../../src/stats/annotations.ts";

const DEPLOY: Annotation = { kind: "note", atSeconds: 12.5, text: "deploy", node: "w1" };

Deno.test("annotations are in the order in which they happened", () => {
  const all = new Annotations();
  all.add(DEPLOY);
  const { rows } = all;
  all.add({ ...DEPLOY, atSeconds: 3, node: null });
  assert.deepEqual(all.rows.map(({ atSeconds }) => atSeconds), [3, 12.5]);
  assert.equal(rows.length, 1);
  assert.equal(all.rows, all.rows);
});

Deno.test("what many users say at the same time is kept once", () => {
  const all = new Annotations();
  assert.equal(all.add(DEPLOY), true);
  assert.equal(all.add({ ...DEPLOY, atSeconds: 13, node: "w2" }), false);
  assert.equal(all.add({ ...DEPLOY, atSeconds: 14 }), true);
  assert.equal(all.add({ ...DEPLOY, text: "rollback" }), true);
  assert.deepEqual(all.rows.map(({ text }) => text), ["deploy", "rollback", "deploy"]);
});

Deno.test("a run keeps a bounded number, and says so", () => {
  const all = new Annotations();
  for (let at = 0; at < MAX_ANNOTATIONS; at++) all.add({ ...DEPLOY, atSeconds: at });
  assert.deepEqual(all.warnings, []);
  assert.equal(all.add({ ...DEPLOY, atSeconds: 9999 }), false);
  assert.equal(all.rows.length, MAX_ANNOTATIONS);
  assert.deepEqual(all.warnings, ["More than 500 annotations: further ones are not kept."]);
});

Deno.test("the log says when and where", () => {
  assert.equal(annotationLine(DEPLOY), "At 12 s: deploy (w1)");
  assert.equal(annotationLine({ ...DEPLOY, node: "local" }), "At 12 s: deploy");
  assert.equal(annotationLine({ ...DEPLOY, node: null }), "At 12 s: deploy");
});
