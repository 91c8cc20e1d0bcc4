import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { csv, type FeederDefinition, jsonl, readRows } from "../../src/shared/feeders.ts";
import { FakeHost } from "../support/fake_host.ts";

function read(rows: FeederDefinition["rows"], text = ""): Promise<string[]> {
  const host = new FakeHost({ files: { "/home/me/data/rows": text } });
  return readRows(host, ["/home/me"], { name: "users", rows, mode: "unique", onEmpty: "stop" });
}

async function refusal(rows: FeederDefinition["rows"], text?: string): Promise<string> {
  const error = await read(rows, text).then(() => assert.fail("nothing was refused"), (e) => e);
  assert.ok(error instanceof UsageError, String(error));
  return error.message;
}

const CSV = csv("data/rows");
const JSONL = jsonl("/home/me/data/rows");

Deno.test("CSV: the first line names the columns, and each row is an object of strings", async () => {
  assert.deepEqual(await read(CSV, '\ufeffa,b\r\n1,"x, ""y"""\r\n\r\n"2\n3",\r\n'), [
    '{"a":"1","b":"x, \\"y\\""}',
    '{"a":"2\\n3","b":""}',
  ]);
});

Deno.test("JSON lines: each line is a row, and empty ones are skipped", async () => {
  assert.deepEqual(await read(JSONL, '{"a":1}\r\n\n  [2]\n"three"'), ['{"a":1}', "[2]", '"three"']);
});

Deno.test("CSV: lines may end with LF, CRLF or CR, also in the same file", async () => {
  const rows = ['{"a":"1","b":"2"}', '{"a":"3","b":"4"}'];
  for (
    const text of [
      "a,b\n1,2\n3,4",
      "a,b\r\n1,2\r\n3,4\r\n",
      "a,b\r1,2\r3,4\r",
      "a,b\r\n1,2\n3,4\n\n",
    ]
  ) {
    assert.deepEqual(await read(CSV, text), rows);
    const lines = text.replaceAll(/[ab,]+/g, '"x"').replaceAll(/\d"x"\d/g, "{}");
    assert.deepEqual(await read(JSONL, lines), ['"x"', "{}", "{}"]);
  }
});

Deno.test("CSV: a header without commas may be separated as spreadsheets do it", async () => {
  const row = ['{"a, b":"1,5","c":"x"}'];
  assert.deepEqual(await read(CSV, '"a, b";c\n1,5;x\n'), row);
  assert.deepEqual(await read(CSV, '"a, b"\tc\r\n1,5\tx'), row);
  assert.deepEqual(await read(CSV, 'sep=;\r\n"a, b";c\r\n1,5;x\r\n'), row);
  assert.deepEqual(await read(CSV, "a,b;c\n1,2;3\n"), ['{"a":"1","b;c":"2;3"}']);
  assert.deepEqual(await read(CSV, "name\nx;y\n"), ['{"name":"x;y"}']);
  assert.equal(
    await refusal(CSV, "sep=;\na;b\n1\n"),
    "feeder users: data/rows, line 3: Invalid Record Length: columns length is 2, got 1",
  );
});

Deno.test("CSV: blanks around a column's name do not belong to it, and each column has one", async () => {
  assert.deepEqual(await read(CSV, "id, name \n1, x \n"), ['{"id":"1","name":" x "}']);
  assert.equal(
    await refusal(CSV, "a,,c\n1,2,3\n"),
    "feeder users: data/rows, line 1: column 2 has no name",
  );
  assert.equal(
    await refusal(CSV, "a, a\n1,2\n"),
    "feeder users: data/rows, line 1: there are two columns named a",
  );
});

Deno.test("a file that is no text is refused", async () => {
  const binaries = { "/home/me/data/rows": Uint8Array.of(0x61, 10, 0xfc, 10) };
  const host = new FakeHost({ binaries });
  for (const rows of [CSV, JSONL]) {
    await assert.rejects(
      readRows(host, ["/home/me"], { name: "users", rows, mode: "unique", onEmpty: "stop" }),
      {
        name: "UsageError",
        message:
          `feeder users: /home/me/data/rows: cannot read the file: line 2 is not UTF-8 (byte 0xfc): ` +
          "save it as UTF-8, or as UTF-16 with a byte order mark",
      },
    );
  }
});

Deno.test("a path is relative to the first folder that has the file", async () => {
  const host = new FakeHost({
    files: { "/home/me/load/both": "a\n1", "/home/me/both": "a\n2", "/home/me/here": "a\n3" },
  });
  const folders = ["/home/me/load", "/home/me"];
  const at = (path: string): Promise<string[]> =>
    readRows(host, folders, { name: "users", rows: csv(path), mode: "unique", onEmpty: "stop" });
  assert.deepEqual(await at("both"), ['{"a":"1"}']);
  assert.deepEqual(await at("here"), ['{"a":"3"}']);
  assert.deepEqual(await at("../here"), ['{"a":"3"}']);
  assert.deepEqual(await at("/home/me/both"), ['{"a":"2"}']);
  const hint = "Paths are relative to the test file or, if there is no such file, to the working " +
    "directory.";
  await assert.rejects(
    at("none"),
    new UsageError(
      "feeder users: none: there is no such file, neither /home/me/load/none nor /home/me/none",
      hint,
    ),
  );
  await assert.rejects(
    at("/none"),
    new UsageError("feeder users: /none: there is no such file: /none", hint),
  );
});

Deno.test("rows may be an array", async () => {
  assert.deepEqual(await read([1, { a: "b" }, null]), ["1", '{"a":"b"}', "null"]);
});

Deno.test("errors name the file and the line", async () => {
  const long = "x".repeat(65_536);
  assert.deepEqual(
    await Promise.all([
      refusal(csv("no.csv")),
      refusal(CSV, "a,b\n1,2\n\n1\n"),
      refusal(CSV, 'a,b\n1,"2\n'),
      refusal(CSV, "a,b,a\n1,2,3\n"),
      refusal(CSV, `a\n1\n${long}\n`),
      refusal(CSV, "a,b\n"),
      refusal(CSV, ""),
      refusal(JSONL, "1\n\n{a}\n"),
      refusal(JSONL, `1\n"${long}"`),
      refusal(JSONL, "\n"),
      refusal([1, () => {}]),
      refusal([]),
    ]),
    [
      "feeder users: no.csv: there is no such file: /home/me/no.csv",
      "feeder users: data/rows, line 4: Invalid Record Length: columns length is 2, got 1",
      "feeder users: data/rows, line 2: " +
      "Quote Not Closed: the parsing is finished with an opening quote at line 2",
      "feeder users: data/rows, line 1: there are two columns named a",
      "feeder users: data/rows, line 3: the value has 65544 bytes as JSON; at most 65536 are allowed",
      "feeder users: data/rows has no rows",
      "feeder users: data/rows has no rows",
      "feeder users: /home/me/data/rows, line 3: " +
      "Expected property name or '}' in JSON at position 1",
      "feeder users: /home/me/data/rows, line 2: " +
      "the value has 65538 bytes as JSON; at most 65536 are allowed",
      "feeder users: /home/me/data/rows has no rows",
      "feeder users: row 2: a function is not valid JSON",
      "feeder users: there are no rows",
    ],
  );
});
