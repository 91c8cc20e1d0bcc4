import assert from "node:assert/strict";
import fc from "fast-check";
import { readCurl } from "../../src/convert/curl.ts";
import { readHar } from "../../src/convert/har.ts";
import { draftOfRecording } from "../../src/convert/recording.ts";
import { writeTest } from "../../src/convert/test_writer.ts";
import { stackText, UsageError } from "../../src/core/errors.ts";
import { lengthOf } from "../support/nightly.ts";
import { projectPath } from "../support/paths.ts";

const RECORDINGS = ["chrome", "firefox", "safari"].map((browser) =>
  Deno.readTextFileSync(projectPath(`tests/convert/recordings/${browser}.har`))
);

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

async function convert(text: string): Promise<string> {
  const options = { withResources: false, hosts: [], name: "visit.har" };
  const draft = await draftOfRecording(readHar(text, "visit.har"), options);
  return writeTest(draft, { isTypeScript: false, command: "aiotest" });
}

/** Throws if it is not valid JavaScript. */
function parseScript(code: string): void {
  new Function(code.replaceAll(/^import .*$/gm, "").replaceAll(/^export /gm, ""));
}

async function assertConvertedOrRefused(text: string): Promise<void> {
  let code;
  try {
    code = await convert(text);
  } catch (error) {
    assert.ok(error instanceof UsageError, stackText(error));
    assert.match(error.message, /^--har: /);
    return;
  }
  parseScript(code);
}

/** Replaces, removes or repeats one value of JSON, which `choose` finds. */
function mutate(root: Json, choose: (count: number) => number): void {
  const places: { owner: Json[] | { [name: string]: Json }; key: string }[] = [];
  const visit = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      places.push({ owner: value, key });
      visit(member);
    }
  };
  visit(root);
  if (places.length === 0) return;
  const { owner, key } = places[choose(places.length)]!;
  const fields = owner as { [name: string]: Json };
  const action = choose(4);
  if (action === 0) {
    if (Array.isArray(owner)) owner.splice(Number(key), 1);
    else delete fields[key];
  } else if (action === 1 && Array.isArray(owner)) owner.push(structuredClone(fields[key]!));
  else fields[key] = structuredClone(VALUES[choose(VALUES.length)]!);
}

const VALUES: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1e308,
  303,
  404,
  "",
  "x",
  "\u2028`${process.exit()}`*/\0\ud800",
  "http://[",
  "https://shop.example/%",
  "data:text/plain,a",
  "POST",
  "__proto__",
  "application/json",
  "multipart/form-data; boundary=(",
  '{"a":'.repeat(3000),
  "[".repeat(200_000),
  "<div>".repeat(2000),
  "9999-99-99",
  [],
  {},
  [null, 1, "a", [], {}],
  { name: "__proto__", value: "constructor" },
  { text: "{}", mimeType: "application/json" },
];

Deno.test("a recording with any value changed is converted or refused with a message", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(RECORDINGS.length - 1),
      fc.infiniteStream(fc.nat(0xffff_ffff)),
      fc.integer({ min: 1, max: 6 }),
      async (which, stream, count) => {
        const numbers = stream[Symbol.iterator]();
        const choose = (below: number): number => Number(numbers.next().value) % below;
        const har: Json = JSON.parse(RECORDINGS[which]!);
        for (let done = 0; done < count; done++) mutate(har, choose);
        await assertConvertedOrRefused(JSON.stringify(har));
      },
    ),
    { numRuns: lengthOf({ short: 300, full: 20_000 }) },
  );
});

Deno.test("a recording that is cut off or has other characters is refused with a message", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(RECORDINGS.length - 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.string({ maxLength: 3 }),
      fc.boolean(),
      async (which, share, other, isCut) => {
        const text = RECORDINGS[which]!;
        const at = Math.floor(share * text.length);
        await assertConvertedOrRefused(
          text.slice(0, at) + other + (isCut ? "" : text.slice(at + other.length)),
        );
      },
    ),
    { numRuns: lengthOf({ short: 200, full: 5000 }) },
  );
});

Deno.test("a user with a percent sign that encodes nothing stays as it is", async () => {
  const draft = await readCurl(["curl %@shop.example"], () => Promise.resolve(Uint8Array.of()));
  const code = writeTest(draft, { isTypeScript: false, command: "aiotest" });
  assert.match(code, /"%/);
  const refused = readCurl(["curl %@("], () => Promise.resolve(Uint8Array.of()));
  await refused.catch((error) => assert.ok(error instanceof UsageError, stackText(error)));
});

Deno.test("any text is read as curl commands, or refused with a message", async () => {
  const words = fc.constantFrom(
    ...[
      "curl",
      "curl https://shop.example/a",
      "-H 'a: b'",
      "-d '{\"a\":1}'",
      "--json",
      "-F a=@b",
      "'",
      '"',
    ],
    ...[
      "$'\\u",
      "\\",
      "\n",
      "^\n",
      '^"',
      ";",
      "-X",
      "-u a:b",
      "--next",
      "-G",
      "-T",
      "@",
      "-b",
      "--",
      "%",
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(words, fc.string()), { maxLength: 12 }), async (parts) => {
      let code;
      try {
        const draft = await readCurl(
          [parts.join(" ")],
          () => Promise.resolve(Uint8Array.of(65, 10)),
        );
        code = writeTest(draft, { isTypeScript: false, command: "aiotest" });
      } catch (error) {
        assert.ok(
          error instanceof UsageError,
          stackText(error),
        );
        return;
      }
      parseScript(code);
    }),
    { numRuns: lengthOf({ short: 1000, full: 100_000 }) },
  );
});
