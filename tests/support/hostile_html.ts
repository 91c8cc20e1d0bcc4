import fc from "fast-check";

/** Parts of pages that tokenizers stumble over. */
const PIECES = [
  ...[
    "<",
    ">",
    "</",
    "/>",
    "=",
    "'",
    '"',
    " ",
    "\n",
    "\0",
    "&",
    "&#x",
    "&amp;",
    "&#99999999;",
    "--",
  ],
  ...["<!--", "-->", "<![CDATA[", "]]>", "<!doctype html>", "<?xml ?>", "\ud800", "é", "{{", "%00"],
  ...[
    "<img src=",
    "<img srcset='a 1x, b 2x'",
    "<script src=a.js>",
    "</script>",
    "<style>",
    "</style>",
  ],
  ...["<link rel=stylesheet href=", "<base href=//", "<template>", "</template>", "<noscript>"],
  ...[
    "<svg><title>",
    "</svg>",
    "<math><mi>",
    "<table><tr><td>",
    "</table>",
    "<p>",
    "</p>",
    "</br>",
  ],
  ...[
    "<form><input name=a value=",
    "<select name=b><option selected>",
    "<textarea name=c>",
    "</form>",
  ],
  ...[
    "http://",
    "//x.test",
    "data:,",
    "javascript:",
    "..",
    "/a?b#c",
    "a b",
    "constructor",
    "__proto__",
  ],
];

/** Pages that no browser has written. */
export function hostileHtml(): fc.Arbitrary<string> {
  const character = fc.nat(0xffff).map((code) => String.fromCharCode(code));
  const piece = fc.oneof({ arbitrary: fc.constantFrom(...PIECES), weight: 5 }, character);
  return fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
}
