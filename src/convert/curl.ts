/**
 * Reads curl commands, as people write them and as browsers copy them.
 *
 * @module
 */

import { decoded } from "./code.ts";
import { UsageError } from "../core/errors.ts";
import { sanitizeTerminal } from "../core/text.ts";
import { queryParameters, readBody, splitOnce } from "./bodies.ts";
import { constantCase } from "./code.ts";
import type { Body, Call, Draft, Part } from "./draft.ts";
import { isBrowserHeader, shortAccept } from "./headers.ts";
import { serviceName, testName } from "./names.ts";
import { hideSecrets } from "./secrets.ts";
import { shellCommands } from "./shell_words.ts";

/** Reads a file that a command names with `@`; rejects with a {@link UsageError} if it cannot be read. */
export type ReadFile = (path: string) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * The test that curl commands make: one request for each, in their order.
 *
 * @throws UsageError if there is no curl command, or one cannot be converted.
 */
export async function readCurl(texts: readonly string[], readFile: ReadFile): Promise<Draft> {
  const commands = texts.flatMap(shellCommands).map(withoutPrompt)
    .filter((words) => words.length > 0);
  const stray = commands.find(([word]) => !isCurl(word));
  if (stray !== undefined || commands.length === 0) {
    const shown = stray === undefined ? "nothing" : sanitizeTerminal(stray[0]!.slice(0, 60));
    throw new UsageError(
      `--curl: expected a command that starts with curl, got ${shown}`,
      AS_ONE_ARGUMENT,
    );
  }
  const requests: CurlRequest[] = [];
  for (const words of commands) {
    for (const part of splitAtNext(words.slice(1))) {
      const options = readOptions(part, requests.length + 1);
      for (const url of options.urls) requests.push(await requestOf(options, url, readFile));
    }
  }
  return draftOf(requests);
}

function withoutPrompt(words: readonly string[]): readonly string[] {
  return words[0] === "$" || words[0] === ">" ? words.slice(1) : words;
}

function isCurl(word: string | undefined): boolean {
  return word !== undefined && /^(?:.*[\\/])?curl(?:\.exe)?$/i.test(word);
}

interface CurlRequest {
  readonly call: Call;
  readonly followsRedirects: boolean;
  readonly flags: readonly string[];
  readonly notes: readonly string[];
}

function draftOf(requests: readonly CurlRequest[]): Draft {
  const host = requests[0]!.call.url.origin;
  const service = serviceName(host);
  const { calls, secrets } = hideSecrets(
    requests.map(({ call }) => call),
    constantCase(service, "SERVICE"),
  );
  const follows = requests.map((request) => request.followsRedirects);
  const followsAll = follows.every((one) => one);
  const followsNone = !follows.includes(true);
  const [only] = calls;
  return {
    source: calls.length === 1
      ? "Made by aiotest init from a curl command."
      : `Made by aiotest init from ${calls.length} requests of curl commands.`,
    notes: [
      ...followsAll ? [] : followsNone ? [FOLLOWS_NOT] : [FOLLOW_NOT_ALL],
      ...new Set(requests.flatMap(({ notes }) => notes)),
    ],
    secrets,
    flags: [...new Set(requests.flatMap(({ flags }) => flags))],
    classes: [{
      name: `${service}Test`,
      host,
      newVisitor: false,
      ...followsNone ? { followsRedirects: false } : {},
      tests: [{
        name: calls.length === 1 ? testName(only!) : "testRequests",
        steps: calls.map((call, index) => ({
          kind: "call",
          call: followsNone || follows[index] === true ? call : { ...call, keepsRedirect: true },
        })),
      }],
    }],
  };
}

const FOLLOWS_NOT = "Redirects are not followed, because curl follows them only with --location.";
const FOLLOW_NOT_ALL = "Requests without --location do not follow redirects, as in curl.";

/** Options of curl, by what they do. */
interface Options {
  /** The number of the request, for messages. */
  readonly number: number;
  readonly urls: string[];
  readonly headers: string[];
  /** Data in the order in which they are sent, with the option that has them. */
  readonly data: (readonly [option: string, value: string])[];
  readonly forms: (readonly [option: string, value: string])[];
  /** The last value of each other option; empty for one without a value. */
  readonly others: Map<string, string>;
}

/** Options with `--next` between them are requests of their own. */
function splitAtNext(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === "--next" || word === "-:") parts.push([]);
    else parts.at(-1)!.push(word);
  }
  return parts;
}

function readOptions(words: readonly string[], number: number): Options {
  const options: Options = {
    number,
    urls: [],
    headers: [],
    data: [],
    forms: [],
    others: new Map(),
  };
  let isOperand = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (isOperand || !word.startsWith("-") || word === "-") {
      // A lone backslash or caret is left of a line that was joined to the next one.
      if (word.trim() !== "") options.urls.push(word);
    } else if (word === "--") isOperand = true;
    else {
      const value = (flag: string): string => {
        const next = words[++at];
        if (next === undefined) throw problem(number, `${flag} lacks its value`);
        return next;
      };
      if (word.startsWith("--")) takeLong(options, word, value);
      else takeShort(options, word, value);
    }
  }
  if (options.urls.length === 0) throw problem(number, "it has no URL", AS_ONE_ARGUMENT);
  return options;
}

function takeLong(options: Options, flag: string, value: (flag: string) => string): void {
  const [given, attached] = splitOnce(flag.slice(2), "=");
  const name = longName(given);
  if (name === null) throw problem(options.number, `${flag}: unknown option of curl`);
  if (WITH_VALUE.has(name)) take(options, name, attached ?? value(flag));
  else take(options, name, "");
}

/** The option of a name or of the beginning of one. */
function longName(name: string): string | null {
  if (WITH_VALUE.has(name) || WITHOUT_VALUE.has(name)) return name;
  const positive = name.replace(/^no-/, "");
  if (name !== positive && WITHOUT_VALUE.has(positive)) return name;
  const longer = [...WITH_VALUE, ...WITHOUT_VALUE].filter((one) => one.startsWith(name));
  return name.length > 2 && longer.length === 1 ? longer[0]! : null;
}

/** Such as `-s`, `-sSL`, `-XPOST` or `-d value`. */
function takeShort(options: Options, word: string, value: (flag: string) => string): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at]!;
    const name = SHORT_NAMES.get(letter);
    if (name === undefined) throw problem(options.number, `-${letter}: unknown option of curl`);
    if (WITH_VALUE.has(name)) {
      const attached = word.slice(at + 1);
      take(options, name, attached === "" ? value(`-${letter}`) : attached);
      return;
    }
    take(options, name, "");
  }
}

function take(options: Options, name: string, value: string): void {
  if (name === "url") options.urls.push(value);
  else if (name === "header") options.headers.push(value);
  else if (name === "json" || name.startsWith("data")) options.data.push([name, value]);
  else if (name.startsWith("form") && name !== "form-escape") options.forms.push([name, value]);
  else options.others.set(name, value);
}

const AS_ONE_ARGUMENT = "Give the whole command as one argument, in quotes: " +
  "--curl 'curl https://shop.example/', or - to read it from standard input.";

function problem(number: number, text: string, hint = ""): UsageError {
  return new UsageError(`--curl: request ${number}: ${sanitizeTerminal(text)}`, hint);
}

/** Options that curl would do more with than this can; each would make another request. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["config", "options from a file are not read; write them into the command"],
  ["variable", "variables are not supported"],
]);

async function requestOf(options: Options, text: string, readFile: ReadFile): Promise<CurlRequest> {
  const { number, others } = options;
  for (const [name, reason] of REFUSED) {
    if (others.has(name)) throw problem(number, `--${name}: ${reason}`);
  }
  const url = urlOf(text, number);
  const headers = await headersOf(options, readFile);
  const data = await dataOf(options, readFile);
  const query = [...queryParameters(url.search.slice(1))];
  if (others.has("url-query")) query.push(...queryParameters(others.get("url-query")!));
  let body: Body | undefined;
  if (others.has("get")) {
    if (data !== null) query.push(...queryParameters(data.text));
  } else if (options.forms.length > 0) {
    body = { kind: "multipart", parts: await partsOf(options, readFile) };
    headers.delete("content-type");
  } else if (others.has("upload-file")) {
    body = await uploadOf(others.get("upload-file")!, readFile);
  } else if (data !== null) {
    if (data.isBinary) body = { kind: "bytes", base64: data.text };
    else {
      const isJson = options.data.some(([name]) => name === "json");
      const fallback = isJson ? "application/json" : "application/x-www-form-urlencoded";
      const type = headers.get("content-type") ?? fallback;
      const read = readBody(data.text, type);
      body = read.body;
      if (read.impliesType) headers.delete("content-type");
      else headers.set("content-type", type);
      if (isJson && !headers.has("accept")) headers.set("accept", "application/json");
    }
  }
  const auth = authOf(others, url);
  const call: Call = {
    method: methodOf(others, body, number),
    url: { origin: url.origin, path: url.pathname, query },
    headers: [...headers],
    ...body === undefined ? {} : { body },
    ...auth === undefined ? {} : { auth },
    checks: [],
    saves: [],
  };
  return { call, ...runOf(others) };
}

function urlOf(text: string, number: number): URL {
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url;
  try {
    url = new URL(full);
  } catch {
    throw problem(number, `${text}: invalid URL`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw problem(number, `${text}: expected a URL with http or https`);
  }
  return url;
}

function methodOf(
  others: ReadonlyMap<string, string>,
  body: Body | undefined,
  number: number,
): string {
  const given = others.get("request");
  if (given !== undefined) {
    if (!/^[!#$%&'*+\-.^`|~\w]+$/.test(given)) {
      throw problem(number, `-X ${given}: not a method of HTTP`);
    }
    return given.toUpperCase();
  }
  if (others.has("head")) return "HEAD";
  if (others.has("upload-file")) return "PUT";
  return body === undefined ? "GET" : "POST";
}

async function headersOf(options: Options, readFile: ReadFile): Promise<Map<string, string>> {
  const { headers, others, number } = options;
  const lines: string[] = [];
  for (const line of headers) {
    if (line.startsWith("@")) {
      lines.push(...(await textOf(line.slice(1), readFile)).split(/\r?\n/));
    } else lines.push(line);
  }
  const found = new Map<string, string>();
  const agent = others.get("user-agent");
  if (agent !== undefined) found.set("user-agent", agent);
  const referer = others.get("referer")?.replace(/;auto$/, "");
  if (referer !== undefined && referer !== "") found.set("referer", referer);
  const token = others.get("oauth2-bearer");
  if (token !== undefined) found.set("authorization", `Bearer ${token}`);
  if (others.has("range")) found.set("range", `bytes=${others.get("range")}`);
  const cookie = others.get("cookie");
  if (cookie?.includes("=") === true) found.set("cookie", cookie);
  for (const line of lines.filter((one) => one.trim() !== "")) {
    const match = /^([!#$%&'*+\-.^`|~\w:]+?)\s*([:;])(.*)$/s.exec(line);
    if (match === null) throw problem(number, `header ${line}: expected NAME: VALUE`);
    const [, name, separator, value] = match;
    if (/[\r\n\0]/.test(value!)) throw problem(number, `header ${name}: invalid value`);
    // `Name:` removes a header of curl's own, and `Name;` is one without a value.
    if (separator === ":" && value!.trim() === "") found.delete(name!.toLowerCase());
    else found.set(name!.toLowerCase(), separator === ":" ? value!.trim() : "");
  }
  const isCopied = [...found].some(([name, value]) =>
    name.startsWith("sec-") || (name === "user-agent" && value.startsWith("Mozilla/"))
  );
  return new Map(
    [...found].filter(([name, value]) =>
      name !== "content-length" && !(isCopied && isBrowserHeader(name, value))
    ).map(([name, value]) => [name, isCopied ? shortAccept(name, value) : value]),
  );
}

/** All data of a request, joined as curl joins them; binary data in base64. */
async function dataOf(
  options: Options,
  readFile: ReadFile,
): Promise<{ text: string; isBinary: boolean } | null> {
  if (options.data.length === 0) return null;
  let all = "";
  for (const [index, [name, value]] of options.data.entries()) {
    const separator = index === 0 || name === "json" ? "" : "&";
    if (name === "data-urlencode") {
      all += separator + await urlencoded(value, readFile);
    } else if (value.startsWith("@") && name !== "data-raw") {
      const bytes = await readFile(value.slice(1));
      const text = utf8(bytes);
      if (text === null) {
        if (options.data.length > 1) {
          throw problem(options.number, `${value}: binary data cannot be joined with other data`);
        }
        return { text: bytes.toBase64(), isBinary: true };
      }
      const isKept = name === "data-binary" || name === "json";
      all += separator + (isKept ? text : text.replaceAll(/[\r\n\0]/g, ""));
    } else all += separator + value;
  }
  return { text: all, isBinary: false };
}

/** `content`, `=content`, `name=content`, `@file` or `name@file`, encoded. */
async function urlencoded(value: string, readFile: ReadFile): Promise<string> {
  const match = /^([^=@]*)([=@])(.*)$/s.exec(value);
  if (match === null) return encodeURIComponent(value.toWellFormed());
  const [, name, separator, rest] = match;
  const content = separator === "@" ? await textOf(rest!, readFile) : rest!;
  const encoded = encodeURIComponent(content.toWellFormed());
  return name === "" ? encoded : `${name}=${encoded}`;
}

/** Parts of `-F`: `name=value`, `name=@file`, `name=<file`, with `;type=…` and `;filename=…`. */
async function partsOf({ forms, number }: Options, readFile: ReadFile): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [option, text] of forms) {
    const [name, value] = splitOnce(text, "=");
    if (value === null) throw problem(number, `-F ${text}: expected NAME=VALUE`);
    if (option === "form-string" || !/^[@<]/.test(value)) {
      const [content, type] = option === "form-string" ? [value, null] : splitOnce(value, ";type=");
      const plain = content.replace(/^"(.*)"$/s, "$1");
      parts.push(
        type === null ? { name, value: plain } : { name, value: plain, file: { name, type } },
      );
      continue;
    }
    const [path = "", ...settings] = value.slice(1).split(";");
    const setting = (key: string): string | undefined =>
      settings.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1)
        .replace(/^"(.*)"$/, "$1");
    const content = await textOf(path.replace(/^"(.*)"$/, "$1"), readFile);
    const fileName = setting("filename") ?? path.split(/[\\/]/).at(-1)!;
    parts.push(
      value.startsWith("<")
        ? { name, value: content }
        : { name, value: content, file: { name: fileName, type: setting("type") ?? "" } },
    );
  }
  return parts;
}

async function uploadOf(path: string, readFile: ReadFile): Promise<Body> {
  const bytes = await readFile(path);
  const text = utf8(bytes);
  return text === null ? { kind: "bytes", base64: bytes.toBase64() } : { kind: "text", text };
}

async function textOf(path: string, readFile: ReadFile): Promise<string> {
  const text = utf8(await readFile(path));
  if (text === null) throw new UsageError(`--curl: ${path}: expected a text file in UTF-8`);
  return text;
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function authOf(others: ReadonlyMap<string, string>, url: URL): Call["auth"] {
  const given = others.get("user") ??
    (url.username === "" ? null : `${decoded(url.username)}:${decoded(url.password)}`);
  if (given === null) return undefined;
  const [user, password] = splitOnce(given, ":");
  // Without a password, curl asks for it.
  return {
    kind: others.has("digest") ? "digest" : "basic",
    user,
    password: password ?? "password",
  };
}

/** What a run needs to do the same, and what it cannot do. */
function runOf(
  others: ReadonlyMap<string, string>,
): Pick<CurlRequest, "flags" | "notes" | "followsRedirects"> {
  const flags: string[] = [];
  const notes: string[] = [];
  if (others.has("insecure")) flags.push("--insecure");
  for (const [name, flag] of [["cert", "client-cert"], ["key", "client-key"], ["cacert", "ca"]]) {
    const file = others.get(name!);
    if (file !== undefined) flags.push(`--${flag} ${file}`);
  }
  if (others.has("connect-to")) flags.push(`--connect-to ${others.get("connect-to")}`);
  if (others.has("proxy")) {
    notes.push("The command uses a proxy. Set it in the environment: HTTPS_PROXY, HTTP_PROXY.");
  }
  const cookie = others.get("cookie");
  if (cookie !== undefined && !cookie.includes("=")) {
    notes.push(`The cookies of the file ${cookie} are not included.`);
  }
  for (const name of ["aws-sigv4", "ntlm", "negotiate", "resolve", "max-time", "retry"]) {
    if (others.has(name)) notes.push(`Not converted: --${name}.`);
  }
  return { flags, notes, followsRedirects: FOLLOWING.some((name) => others.has(name)) };
}

const FOLLOWING = ["location", "location-trusted"];

/** Options of curl that have one letter. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
  "#": "progress-bar",
  "0": "http1.0",
  "1": "tlsv1",
  "2": "sslv2",
  "3": "sslv3",
  "4": "ipv4",
  "6": "ipv6",
  A: "user-agent",
  B: "use-ascii",
  C: "continue-at",
  D: "dump-header",
  E: "cert",
  F: "form",
  G: "get",
  H: "header",
  I: "head",
  J: "remote-header-name",
  K: "config",
  L: "location",
  M: "manual",
  N: "no-buffer",
  O: "remote-name",
  P: "ftp-port",
  Q: "quote",
  R: "remote-time",
  S: "show-error",
  T: "upload-file",
  U: "proxy-user",
  V: "version",
  X: "request",
  Y: "speed-limit",
  Z: "parallel",
  a: "append",
  b: "cookie",
  c: "cookie-jar",
  d: "data",
  e: "referer",
  f: "fail",
  g: "globoff",
  h: "help",
  i: "include",
  j: "junk-session-cookies",
  k: "insecure",
  l: "list-only",
  m: "max-time",
  n: "netrc",
  o: "output",
  p: "proxytunnel",
  q: "disable",
  r: "range",
  s: "silent",
  t: "telnet-option",
  u: "user",
  v: "verbose",
  w: "write-out",
  x: "proxy",
  y: "speed-time",
  z: "time-cond",
}));

/** Options of curl that have a value. */
const WITH_VALUE: ReadonlySet<string> = new Set(
  ("abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout " +
    "connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary " +
    "data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url " +
    "dump-header ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account " +
    "ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms " +
    "haproxy-clientip header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json " +
    "keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options mail-auth " +
    "mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output " +
    "output-dir parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy " +
    "proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header " +
    "proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers " +
    "proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range " +
    "rate referer request request-target resolve retry retry-delay retry-max-time sasl-authzid " +
    "service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit " +
    "speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword " +
    "tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent variable " +
    "vlan-priority write-out").split(" "),
);

/** Options of curl without a value. */
const WITHOUT_VALUE: ReadonlySet<string> = new Set(
  ("anyauth append basic ca-native cert-status compressed compressed-ssh create-dirs crlf " +
    "digest disable disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure fail " +
    "fail-early fail-with-body false-start form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip " +
    "ftp-ssl-ccc ftp-ssl-control get globoff haproxy-protocol head help http0.9 http1.0 http1.1 http2 " +
    "http2-prior-knowledge http3 http3-only ignore-content-length include insecure ipv4 ipv6 " +
    "junk-session-cookies list-only location location-trusted mail-rcpt-allowfails manual metalink mptcp " +
    "negotiate netrc netrc-optional no-alpn no-buffer no-clobber no-keepalive no-npn no-progress-meter " +
    "no-sessionid ntlm ntlm-wb parallel parallel-immediate path-as-is post301 post302 post303 " +
    "progress-bar proxy-anyauth proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-insecure " +
    "proxy-negotiate proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel " +
    "raw remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors " +
    "retry-connrefused show-error show-headers silent skip-existing socks5-basic socks5-gssapi " +
    "socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd " +
    "ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers tcp-fastopen tcp-nodelay " +
    "tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids trace-time " +
    "use-ascii verbose version xattr").split(" "),
);
