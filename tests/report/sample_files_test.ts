import assert from "node:assert/strict";
import {
  fileOfNode,
  filesOfNodes,
  isBelow,
  sampleFileKind,
  sampleFilter,
} from "../../src/report/sample_files.ts";

Deno.test("the name of a file says what it contains", () => {
  assert.deepEqual(sampleFileKind("run.jsonl"), { isCsv: false, gzip: false });
  assert.deepEqual(sampleFileKind("a.b/run.CSV"), { isCsv: true, gzip: false });
  assert.deepEqual(sampleFileKind("run.jsonl.gz"), { isCsv: false, gzip: true });
  assert.deepEqual(sampleFileKind("run.csv.gz"), { isCsv: true, gzip: true });
  for (
    const path of ["run", "run.json", "run.gz", "jsonl", ".jsonl", "out/.csv.gz", "a.jsonl/", ""]
  ) {
    assert.equal(sampleFileKind(path), null, path);
  }
});

Deno.test("each node has a file of its own, whatever it is called", () => {
  assert.equal(fileOfNode("run.jsonl", "w1"), "run.w1.jsonl");
  assert.equal(fileOfNode("out/run.2.csv.gz", "host-abcd-1"), "out/run.2.host-abcd-1.csv.gz");
  assert.equal(fileOfNode("run.jsonl", "../a b"), "run...%2Fa%20b.jsonl");
  assert.notEqual(fileOfNode("run.jsonl", "a/b"), fileOfNode("run.jsonl", "a%2Fb"));
  assert.equal(filesOfNodes("out/run.csv.gz"), "out/run.*.csv.gz");
});

Deno.test("a path below the working directory is told from others, on any system", () => {
  for (const path of ["run.jsonl", "out/run.jsonl", "out\\run.jsonl", "a..b/run.jsonl"]) {
    assert.equal(isBelow(path), true, path);
  }
  for (
    const path of [
      "/run.jsonl",
      "../run.jsonl",
      "a/../../run.csv",
      "C:\\run.csv",
      "c:run.csv",
      "a\\..\\run.csv",
      "\\\\host\\run.csv",
    ]
  ) {
    assert.equal(isBelow(path), false, path);
  }
});

Deno.test("samples are selected by failure, by latency, or by one of both", () => {
  const fine = { error: null, latencyMs: 499.9 };
  const slow = { error: null, latencyMs: 500 };
  const failed = { error: "HTTP 500", latencyMs: 1 };
  const selected = (text: string): boolean[] => [fine, slow, failed].map(sampleFilter(text)!);
  assert.deepEqual(selected("failed"), [false, false, true]);
  assert.deepEqual(selected("slow:500ms"), [false, true, false]);
  assert.deepEqual(selected("Failed, slow:0.5s"), [false, true, true]);
  assert.deepEqual(selected("slow:2s,slow:300ms"), [true, true, false]);
  for (const text of ["", "slow", "slow:500", "slow:-1s", "ok", "failed,", "slow:1m"]) {
    assert.equal(sampleFilter(text), null, text);
  }
});
