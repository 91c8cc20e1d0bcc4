import { failed, type Feeding, type Outcome } from "./parser_outcome.ts";

/** A response and its outcome, which must be the same however the bytes are cut; see {@link expected}. */
export interface ParserCase extends Partial<Feeding> {
  readonly name: string;
  readonly wire: string;
  /** The outcome, or only the code of an error. */
  readonly gives: string | Partial<Outcome>;
}

const OK = "HTTP/1.1 200 OK\r\n";
const MORE = "HTTP/1.1 100 Continue\r\n\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const LAST = "0\r\n\r\n";

function withFields(...lines: readonly string[]): string {
  return `${OK}${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function fieldCase(name: string, line: string, gives: ParserCase["gives"]): ParserCase {
  return { name, wire: withFields(line, "Content-Length: 0"), gives };
}

function lengthCase(name: string, ...values: readonly string[]): ParserCase {
  const lines = values.map((value) => `Content-Length:${value}`);
  return { name: `Content-Length ${name}`, wire: `${withFields(...lines)}abcde`, gives: BAD };
}

const BAD = "BAD_RESPONSE";
const CUT = "INCOMPLETE_BODY";

const LENGTHS: readonly ParserCase[] = [
  {
    name: "Content-Length",
    wire: `${withFields("content-length:  5 \t")}abcde`,
    gives: { body: "abcde", reusable: true },
  },
  {
    name: "Content-Length 0",
    wire: withFields("CONTENT-LENGTH: 000"),
    gives: { reusable: true },
  },
  {
    name: "bytes after a body",
    wire: `${withFields("Content-Length: 2")}abc`,
    gives: { body: "ab", reusable: false },
  },
  {
    name: "an end before Content-Length is reached",
    wire: `${withFields("Content-Length: 5")}abcd`,
    ends: true,
    gives: CUT,
  },
  {
    name: "an incomplete body",
    wire: `${withFields("Content-Length: 5")}abcd`,
    gives: failed(null),
  },
  {
    name: "Content-Length above the limit",
    wire: withFields("Content-Length: 1001"),
    gives: "TOO_LARGE",
  },
  {
    name: "Content-Length at the limit",
    wire: withFields("Content-Length: 1000") + "x".repeat(1000),
    gives: { body: "x".repeat(1000), reusable: true },
  },
  lengthCase("twice", " 5", " 5"),
  lengthCase("as a list", " 5, 5"),
  lengthCase("with a plus", " +5"),
  lengthCase("with a minus", " -5"),
  lengthCase("in hex", " 0x5"),
  lengthCase("without a value", " "),
  lengthCase("of 2^53", " 9007199254740992"),
  lengthCase("of many digits", ` ${"9".repeat(400)}`),
  lengthCase("together with chunked", " 5\r\nTransfer-Encoding: chunked"),
  lengthCase("together with another coding", " 5\r\nTransfer-Encoding: gzip"),
];

const CHUNKS: readonly ParserCase[] = [
  {
    name: "chunks",
    wire: `${CHUNKED}3\r\nabc\r\n00000C\r\n0123456789\r\n\r\n1\r\nx\r\n${LAST}`,
    gives: { body: "abc0123456789\r\nx", reusable: true },
  },
  { name: "chunks, but none with data", wire: CHUNKED + LAST, gives: { reusable: true } },
  {
    name: "chunk extensions",
    wire: `${CHUNKED}3;a;b=c\r\nabc\r\n2;q="x;\t\\"y 1"\r\nde\r\n0;last\r\n\r\n`,
    gives: { body: "abcde", reusable: true },
  },
  {
    name: "16 KiB of chunk extensions",
    wire: `${CHUNKED}1;${"e".repeat(8191)}\r\na\r\n0;${"e".repeat(8191)}\r\n\r\n`,
    gives: { body: "a", reusable: true },
  },
  {
    name: "over 16 KiB of chunk extensions",
    wire: `${CHUNKED}1;${"e".repeat(8191)}\r\na\r\n0;${"e".repeat(8192)}\r\n\r\n`,
    gives: "TOO_LARGE",
  },
  {
    name: "trailers",
    wire:
      `${CHUNKED}1\r\na\r\n0\r\nContent-Length: x\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n`,
    gives: { body: "a", reusable: true },
  },
  {
    name: "chunked as the last of several codings",
    wire: `${
      withFields("Transfer-Encoding: gzip", "transfer-encoding: , Chunked ,")
    }1\r\na\r\n${LAST}`,
    gives: { body: "a", reusable: true },
  },
  {
    name: "bytes after the last chunk",
    wire: `${CHUNKED}1\r\na\r\n${LAST}HTTP`,
    gives: { body: "a", reusable: false },
  },
  {
    name: "chunks above the limit",
    wire: `${CHUNKED}3E8\r\n${"x".repeat(1000)}\r\n1\r\n`,
    gives: "TOO_LARGE",
  },
  { name: "chunked in HTTP/1.0", wire: CHUNKED.replace("/1.1", "/1.0") + LAST, gives: BAD },
  { name: "trailers with a bad name", wire: `${CHUNKED}0\r\na b: c\r\n\r\n`, gives: BAD },
  {
    name: "trailers of over 64 KiB",
    wire: `${CHUNKED}0\r\na: ${"b".repeat(65_536)}`,
    gives: "TOO_LARGE",
  },
  {
    name: "over 256 trailers",
    wire: `${CHUNKED}0\r\n${"a: b\r\n".repeat(257)}`,
    gives: "TOO_LARGE",
  },
  ...[
    "g\r\n",
    "\r\n",
    " 1\r\n",
    "1 \r\n",
    "1 ;a\r\n",
    "0x1\r\n",
    "-1\r\n",
    ";a\r\n",
    "1\n",
    "1\ra",
    "1;a\n",
    "1;\0\r\n",
  ]
    .map((line) => ({
      name: `chunk size ${JSON.stringify(line)}`,
      wire: CHUNKED + line,
      gives: BAD,
    })),
  { name: "a chunk size of 2^53", wire: `${CHUNKED}20000000000000\r\n`, gives: BAD },
  { name: "a chunk size of 17 digits", wire: `${CHUNKED}00000000000000001\r\n`, gives: BAD },
  { name: "no CRLF after a chunk", wire: `${CHUNKED}1\r\nab\r\n`, gives: BAD },
  { name: "a bare LF after a chunk", wire: `${CHUNKED}1\r\na\n`, gives: BAD },
  { name: "a bare CR after a chunk", wire: `${CHUNKED}1\r\na\r0`, gives: BAD },
  ...["", "3", "3\r\n", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n", "0\r\na: b\r\n"]
    .map((cut) => ({
      name: `an end after ${JSON.stringify(cut)} of chunks`,
      wire: CHUNKED + cut,
      ends: true,
      gives: CUT,
    })),
];

const STREAMS: readonly ParserCase[] = [
  { name: "neither length nor chunked", wire: `${OK}\r\nabc`, ends: true, gives: { body: "abc" } },
  { name: "nothing, and then the end", wire: `${OK}\r\n`, ends: true, gives: {} },
  {
    name: "a coding that is not chunked",
    wire: `${withFields("Transfer-Encoding: gzip")}abc`,
    ends: true,
    gives: { body: "abc" },
  },
  {
    name: "a coding after chunked",
    wire: `${withFields("Transfer-Encoding: chunked, gzip")}abc`,
    ends: true,
    gives: { body: "abc" },
  },
  {
    name: "a Transfer-Encoding without a value",
    wire: `${withFields("Transfer-Encoding:")}abc`,
    ends: true,
    gives: { body: "abc" },
  },
  { name: "a stream without an end", wire: `${OK}\r\nabc`, gives: failed(null) },
  {
    name: "a stream at the limit",
    wire: `${OK}\r\n${"x".repeat(1000)}`,
    ends: true,
    gives: { body: "x".repeat(1000) },
  },
  { name: "a stream above the limit", wire: `${OK}\r\n${"x".repeat(1001)}`, gives: "TOO_LARGE" },
];

const WITHOUT_BODY: readonly ParserCase[] = [
  ...[204, 304].flatMap((status) =>
    ["", "Content-Length: 5000\r\n", "Transfer-Encoding: chunked\r\n"].map((field) => ({
      name: `${status} with "${field.trim()}"`,
      wire: `HTTP/1.1 ${status} None\r\n${field}\r\n`,
      gives: { status, reusable: true },
    }))
  ),
  ...["", "Content-Length: 5000\r\n", "Transfer-Encoding: chunked\r\n"].map((field) => ({
    name: `an answer to HEAD with "${field.trim()}"`,
    wire: `${OK}${field}\r\n`,
    method: "HEAD",
    gives: { reusable: true },
  })),
  {
    name: "a body after 204",
    wire: "HTTP/1.1 204 None\r\n\r\nabc",
    gives: { status: 204, reusable: false },
  },
  {
    name: "a tunnel",
    wire: withFields("Content-Length: 5"),
    method: "CONNECT",
    gives: { reusable: true },
  },
  {
    name: "a tunnel that is refused",
    wire: `HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\na`,
    method: "CONNECT",
    gives: { status: 407, body: "a", reusable: true },
  },
];

const INTERIM: readonly ParserCase[] = [
  {
    name: "100, 102, 103 and 100 before the final response",
    wire:
      `${MORE}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103\r\nLink: </a>\r\nConnection: close\r\n\r\n${MORE}${
        withFields("Content-Length: 1")
      }a`,
    gives: { head: withFields("Content-Length: 1"), body: "a", reusable: true, continues: 2 },
  },
  {
    name: "100 interim responses",
    wire: MORE.repeat(100) + withFields("Content-Length: 0"),
    gives: { head: withFields("Content-Length: 0"), reusable: true, continues: 100 },
  },
  { name: "101 interim responses", wire: MORE.repeat(101), gives: BAD },
  {
    name: "an unexpected 101",
    wire: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    gives: BAD,
  },
  { name: "an end after an interim response", wire: MORE, ends: true, gives: "ECONNRESET" },
];

function emptyLineCase(lines: string, gives?: "BAD_RESPONSE"): ParserCase {
  const head = withFields("Content-Length: 1");
  return {
    name: `${JSON.stringify(lines)} before the status line`,
    wire: `${lines}${head}a`,
    gives: gives ?? { head, body: "a", reusable: true },
  };
}

const EMPTY_LINES: readonly ParserCase[] = [
  ...["\r\n", "\n", "\r\n\r\n", "\n\n", "\r\n\n", "\n\r\n"].map((lines) => emptyLineCase(lines)),
  ...[
    "\r\n\r\n\r\n",
    "\n\n\n",
    "\r\n\n\r\n",
    "\r",
    "\r\r\n",
    "\r\n\r",
    " \r\n",
    "\r\n ",
    "\t\n",
    "\0\n",
  ].map((lines) => emptyLineCase(lines, BAD)),
  ...["\r\n", "\n", "\r\n\r\n", "\n\n"].map((lines) => ({
    name: `${JSON.stringify(lines)} before and after interim responses`,
    wire: `${lines}${MORE}${lines}${MORE}${lines}${withFields("Content-Length: 1")}a`,
    gives: { head: withFields("Content-Length: 1"), body: "a", reusable: true, continues: 2 },
  })),
  { name: "three empty lines after an interim response", wire: `${MORE}\r\n\r\n\r\n`, gives: BAD },
  {
    name: "empty lines before a chunked response, and none before its trailers",
    wire: `\r\n\r\n${CHUNKED}1\r\na\r\n0\r\na: b\r\n\r\n`,
    gives: { head: CHUNKED, body: "a", reusable: true },
  },
  {
    name: "empty lines before a stream",
    wire: `\n\n${OK}\r\nabc`,
    ends: true,
    gives: { head: `${OK}\r\n`, body: "abc" },
  },
  ...["\r\n", "\r\n\r\n", "\n"].flatMap((lines) => [
    {
      name: `a head of 64 KiB after ${JSON.stringify(lines)}`,
      wire: lines + withFields("Content-Length: 0", `a: ${"b".repeat(65_536 - 43)}`),
      gives: {
        head: withFields("Content-Length: 0", `a: ${"b".repeat(65_536 - 43)}`),
        reusable: true,
      },
    },
    {
      name: `a head of over 64 KiB after ${JSON.stringify(lines)}`,
      wire: lines + withFields("Content-Length: 0", `a: ${"b".repeat(65_536 - 42)}`),
      gives: "TOO_LARGE",
    },
  ]),
  {
    name: "an empty line after a body, in the same read",
    wire: `${withFields("Content-Length: 1")}a\r\n`,
    gives: { body: "a", reusable: false },
  },
  ...["\r", "\n", "\r\n", "\r\n\r\n"].map((lines) => ({
    name: `an end after ${JSON.stringify(lines)}`,
    wire: lines,
    ends: true,
    gives: "ECONNRESET",
  })),
];

const HEADS: readonly ParserCase[] = [
  { name: "an end before any byte", wire: "", ends: true, gives: "ECONNRESET" },
  { name: "an end inside the status line", wire: "HTTP/1.1 2", ends: true, gives: "ECONNRESET" },
  { name: "an end inside the fields", wire: `${OK}a: b\r\n`, ends: true, gives: "ECONNRESET" },
  ...["HTTP/1.1 599", "HTTP/1.1 999 ", "HTTP/1.1 200 \x80\xff\t~"].map((line) => ({
    name: JSON.stringify(line),
    wire: `${line}\r\nContent-Length: 0\r\n\r\n`,
    gives: { status: Number(line.slice(9, 12)), reusable: true },
  })),
  ...[
    "HTTP/1.1 20\r\n",
    "HTTP/1.1 2000 OK\r\n",
    "HTTP/1.1 099 OK\r\n",
    "HTTP/1.1 2x0 OK\r\n",
    "HTTP/1.1  200 OK\r\n",
    "HTTP/1.1\t200 OK\r\n",
    "HTTP/3.7 200 OK\r\n",
    "HTTP/1.2 200 OK\r\n",
    "HTTP/2 200\r\n",
    "http/1.1 200 OK\r\n",
    "ICY 200 OK\r\n",
    "SSH-2.0-OpenSSH_9.9\r\n",
    "\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 O\rK\r\n",
    "HTTP/1.1 200 \0\r\n",
    "HTTP/1.1 200\n",
  ].map((wire) => ({ name: JSON.stringify(wire), wire, ends: true, gives: BAD })),
  ...[
    "folded: a\r\n b",
    "folded: a\r\n\tb",
    "space : a",
    ": no name",
    "no colon",
    "na\x00me: a",
    "na\x80me: a",
    "na(me: a",
    "nul: a\x00b",
    "escape: \x1b",
    "delete: \x7f",
    "cr: a\rb",
    "lf: a\nb: c",
    "cr\r: a",
    "cr at the end: a\r\r",
  ].map((line) => fieldCase(`the field ${JSON.stringify(line)}`, line, BAD)),
  { name: "a bare LF for the empty line", wire: `${OK}a: b\r\n\n`, gives: BAD },
  { name: "a bare CR for the empty line", wire: `${OK}a: b\r\n\ra`, gives: BAD },
  fieldCase("values of any kind", "!#$%&'*+-.^_`|~09azAZ:\t a\tb \x80\xff~ \r\nempty:", {
    reusable: true,
  }),
  fieldCase("Content-Encoding", "cONTENT-eNCODING: gzip\r\nContent-Encodings: a", {
    reusable: true,
  }),
  fieldCase("Set-Cookie", "sEt-cOOKIE: a=b", { setsCookies: true, reusable: true }),
  fieldCase(
    "names that resemble others",
    "Set-Cookies: a\r\nConnectioN_: close\r\nConnectios: close",
    { reusable: true },
  ),
  {
    name: "a head of 64 KiB",
    wire: withFields("Content-Length: 0", `a: ${"b".repeat(65_536 - 43)}`),
    gives: { reusable: true },
  },
  {
    name: "a head of over 64 KiB",
    wire: withFields("Content-Length: 0", `a: ${"b".repeat(65_536 - 42)}`),
    gives: "TOO_LARGE",
  },
  {
    name: "256 fields",
    wire: withFields(...Array(255).fill("a: b"), "Content-Length: 0"),
    gives: { reusable: true },
  },
  {
    name: "257 fields",
    wire: withFields(...Array(256).fill("a: b"), "Content-Length: 0"),
    gives: "TOO_LARGE",
  },
];

const KEEPING: readonly ParserCase[] = [
  fieldCase("close", "Connection: close", { reusable: false }),
  fieldCase("close in a list, in any case", "connection: x,\t CLOSE ,keep-alive", {
    reusable: false,
  }),
  fieldCase(
    "close in one of several headers",
    "Connection: keep-alive\r\nConnection: close\r\nConnection: x",
    { reusable: false },
  ),
  fieldCase("closer", "Connection: closer, clos, , xclose", { reusable: true }),
  ...([["", false], ["Connection: Keep-Alive\r\n", true], [
    "Connection: keep-alive, close\r\n",
    false,
  ]] as const)
    .map(([field, reusable]) => ({
      name: `HTTP/1.0 with "${field.trim()}"`,
      wire: `HTTP/1.0 200 OK\r\n${field}Content-Length: 1\r\n\r\na`,
      gives: { body: "a", reusable },
    })),
  {
    name: "HTTP/1.0 that would be kept alive, but has no length",
    wire: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\na",
    ends: true,
    gives: { body: "a", reusable: false },
  },
  fieldCase("Keep-Alive", "Keep-Alive: timeout=5, max=100", {
    keepAliveSeconds: 5,
    keepAliveMax: 100,
    reusable: true,
  }),
  fieldCase("Keep-Alive in another order", "keep-alive: max=1,TimeOut=30 ", {
    keepAliveSeconds: 30,
    keepAliveMax: 1,
    reusable: true,
  }),
  fieldCase("Keep-Alive 0", "Keep-Alive: timeout=0", { keepAliveSeconds: 0, reusable: true }),
  fieldCase("Keep-Alive in two fields", "Keep-Alive: max=7\r\nKeep-Alive: timeout=2", {
    keepAliveSeconds: 2,
    keepAliveMax: 7,
    reusable: true,
  }),
  fieldCase("Keep-Alive, partly malformed", "Keep-Alive: timeout=3, timeout=x, max=, max=2.5", {
    keepAliveSeconds: 3,
    reusable: true,
  }),
  ...["close", "Close, x", "x ,\tCLOSE"].map((value) =>
    fieldCase(`Proxy-Connection: ${value}`, `Proxy-Connection: ${value}`, { reusable: false })
  ),
  ...[
    ...["", "300", "timeout", "timeout=", "timeout=x", "timeout=-1", "xtimeout=5", "timeout=5s"],
    ...['timeout="5"', "timeout = 5", "timeout=5;max=3", "max", "max=", "max=-1", "xmax=1"],
    ...["timeout=99999999999999999999"],
  ].map((value) => fieldCase(`Keep-Alive: ${value}`, `Keep-Alive: ${value}`, { reusable: true })),
];

/** The whole outcome of a case. By default: status 200, everything before the body is the head, no body. */
export function expected({ wire, gives }: ParserCase): Outcome {
  if (typeof gives === "string") return failed(gives);
  const head = wire.slice(0, wire.indexOf("\r\n\r\n") + 4);
  return { ...failed(null), status: 200, head, ...gives };
}

/** All cases of framing a response. */
export const CASES: readonly ParserCase[] = [
  ...LENGTHS,
  ...CHUNKS,
  ...STREAMS,
  ...WITHOUT_BODY,
  ...INTERIM,
  ...EMPTY_LINES,
  ...HEADS,
  ...KEEPING,
];
