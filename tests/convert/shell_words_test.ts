import assert from "node:assert/strict";
import { shellCommands } from "../../src/convert/shell_words.ts";

for (
  const [text, ...words] of [
    [`curl a b`, "curl", "a", "b"],
    [`  curl\ta  `, "curl", "a"],
    [`'a b' "c d" e\\ f`, "a b", "c d", "e f"],
    [`'it'\\''s' "it's" 'say "x"'`, "it's", "it's", 'say "x"'],
    [`"a\\"b\\\\c\\$d\\e"`, 'a"b\\c$d\\e'],
    [`'a\\b' ''  ""`, "a\\b", "", ""],
    [`a'b'"c"d`, "abcd"],
    ["a \\\n  b \\\r\n c", "a", "b", "c"],
    ['"a\\\nb"', "ab"],
    [`$'a\\'b\\n\\t\\\\\\x41\\u00e9\\101\\e'`, "a'b\n\t\\Aé" + "A\x1b"],
    // Chrome writes each half of a character beyond the first 65,536.
    [`$'\\ud83d\\ude00' $'\\U1F600'`, "😀", "😀"],
    [`$"a b"`, "a b"],
    [`a#b # a comment`, "a#b"],
    [`# a comment\na`, "a"],
    [`$HOME`, "$HOME"],
    [`a\\`, "a\\"],
  ] as const
) {
  Deno.test(`shell: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(shellCommands(text), [words]);
  });
}

for (const separator of ["\n", ";", " && ", " & ", " | ", "\n\n", " ;\n"]) {
  Deno.test(`a command ends with ${JSON.stringify(separator)}`, () => {
    assert.deepEqual(shellCommands(`curl a${separator}curl 'b;c&d'`), [
      ["curl", "a"],
      ["curl", "b;c&d"],
    ]);
  });
}

for (const [text, rest] of [["curl 'a b", "'a b"], [`curl "a\\"`, `"a\\"`], ["curl $'a", "$'a"]]) {
  Deno.test(`a quote that is not closed is an error: ${text}`, () => {
    assert.throws(() => shellCommands(text!), {
      name: "UsageError",
      message: `--curl: the closing ${rest!.includes('"') ? '"' : "'"} is missing after ${rest}`,
    });
  });
}

Deno.test("a command that Chrome has copied for Windows", () => {
  const text = [
    `curl ^"https://shop.example/a?b=1^&c=%^20^" ^\r\n`,
    `  -H ^"accept: */*^" ^\r\n`,
    `  -H ^"sec-ch-ua: ^\\^"Chromium^\\^";v=^\\^"142^\\^"^" ^\r\n`,
    `  --data-raw ^"^{^\\^"name^\\^":^\\^"a^^b^\\^",^\\^"text^\\^":^\\^"x^\r\n\r\ny^\\^"^}^"`,
  ].join("");
  assert.deepEqual(shellCommands(text), [[
    "curl",
    "https://shop.example/a?b=1&c=%20",
    "-H",
    "accept: */*",
    "-H",
    'sec-ch-ua: "Chromium";v="142"',
    "--data-raw",
    '{"name":"a^b","text":"x\ny"}',
  ]]);
});

Deno.test("a command that older browsers have copied for Windows", () => {
  const text = `curl "https://shop.example/a" ^\n  -H "x: a ^ b" --data-raw "{\\"a\\":\\"b\\"}" ""`;
  assert.deepEqual(shellCommands(text), [[
    "curl",
    "https://shop.example/a",
    "-H",
    "x: a ^ b",
    "--data-raw",
    '{"a":"b"}',
    "",
  ]]);
});
