/**
 * Finds values of requests that come from earlier responses: tokens, identifiers, hidden fields of forms. They
 * are different in each run, so a test must take them from there.
 *
 * @module
 */

import { decoded } from "./code.ts";
import { parseJson } from "./bodies.ts";
import { joined, replaceValues, type Slot } from "./call_texts.ts";
import { camelCase, uniqueName } from "./code.ts";
import {
  type Call,
  type JsonDraft,
  type JsonPath,
  type Place,
  type Reference,
  type Save,
  Template,
  valueOf,
} from "./draft.ts";
import { looksLikeId } from "./names.ts";

/** A request, and the response that was recorded. */
export interface AnsweredCall {
  readonly call: Call;
  readonly startMs: number;
  /** From then on, later requests can use what the response contains. */
  readonly knownMs: number;
  /** `null` if there was none. */
  readonly response: RecordedResponse | null;
}

/** A response, as far as values can come from it. */
export interface RecordedResponse {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly mediaType: string;
  readonly text: string | null;
  /** The URL after redirects; `null` if there were none. */
  readonly redirectedTo: URL | null;
}

/** The same requests, which save values of their responses and insert saved ones. */
export async function correlate(answered: readonly AnsweredCall[]): Promise<Call[]> {
  const hasPages = answered.some(({ response }) => response !== null && isHtml(response));
  // The parser of pages takes a tenth of a second to load.
  const parsePage = hasPages ? (await import("../http/html_element.ts")).parsePage : null;
  const correlation = new Correlation(parsePage);
  const calls = answered.map((one, index) => correlation.take(one, index));
  return calls.map((call, index) => ({ ...call, saves: correlation.savesOf(index) }));
}

type ParsePage = typeof import("../http/html_element.ts").parsePage;

/** A value of a response. */
interface Found {
  readonly index: number;
  readonly knownMs: number;
  readonly place: Place;
  readonly example: string | number;
  /** What it is called there. */
  readonly name: string;
  /** What it is part of: words of the path of its request, and of the names around it. */
  readonly words: ReadonlySet<string>;
  /** For a fallback of its name: the thing that its request is about. */
  readonly subject: string;
}

class Correlation {
  readonly #parsePage: ParsePage | null;
  readonly #found = new Map<string, Found[]>();
  /** What requests have sent before a response contained it, so that it does not come from there. */
  readonly #sent = new Set<string>();
  readonly #texts: { readonly text: string; readonly index: number; readonly knownMs: number }[] =
    [];
  /** Characters that may still be searched, so that a large recording does not take minutes. */
  #searchable = 4e9;
  readonly #saves = new Map<number, Save[]>();
  readonly #variables = new Map<Found, string>();
  readonly #names = new Set<string>();

  constructor(parsePage: ParsePage | null) {
    this.#parsePage = parsePage;
  }

  /** A request with inserted values; its response is then known to those after it. */
  take({ call, startMs, knownMs, response }: AnsweredCall, index: number): Call {
    const replaced = replaceValues(call, (value, slot) => {
      if (slot.isPart === true) return value;
      return this.#insert(value, slot, { call, startMs });
    });
    replaceValues(call, (value) => {
      this.#sent.add(String(value));
      return value;
    });
    if (response !== null) this.#read(response, { call, index, knownMs });
    return replaced;
  }

  savesOf(index: number): readonly Save[] {
    return this.#saves.get(index) ?? [];
  }

  #insert(
    value: string | number,
    slot: Slot,
    at: { readonly call: Call; readonly startMs: number },
  ): JsonDraft {
    const text = String(value);
    const direct = this.#referenceTo(value, slot, at);
    if (direct !== null) return valueOf(direct);
    if (slot.kind === "header") {
      // A scheme, and then the token.
      const [, scheme, token] = /^([A-Za-z]+ )(\S+)$/.exec(text) ?? [];
      const found = token === undefined ? null : this.#referenceTo(token, slot, at);
      if (found !== null) return joined([scheme!, found]);
    }
    if (slot.kind === "path" && text.includes("%")) {
      const found = this.#referenceTo(decoded(text), slot, at);
      if (found?.kind === "variable") return valueOf({ ...found, encode: true });
    }
    if (slot.kind === "body" || slot.kind === "path") return this.#inside(text, slot, at);
    return value;
  }

  #referenceTo(
    value: string | number,
    slot: Slot,
    at: { readonly call: Call; readonly startMs: number },
  ): Reference | null {
    const found = this.#find(String(value), slot, at);
    if (found === null) return null;
    const name = this.#save(found, slot);
    if (slot.kind !== "json" || typeof value === typeof found.example) {
      return { kind: "variable", name };
    }
    return typeof value === "number"
      ? { kind: "variable", name, asNumber: true }
      : { kind: "variable", name, asString: true };
  }

  #find(
    text: string,
    slot: Slot,
    { call, startMs }: { readonly call: Call; readonly startMs: number },
  ): Found | null {
    const usable = (this.#found.get(text) ?? []).filter((one) => one.knownMs <= startMs);
    const words = wordsOf(call, slot.name);
    const scored = usable
      .map((found) => ({ found, score: [...words].filter((word) => found.words.has(word)).length }))
      .sort((one, other) => other.score - one.score || one.found.index - other.found.index);
    const best = scored.find(({ found, score }) => isCredible(text, slot, found, score));
    if (best !== undefined) return best.found;
    if (!isToken(text) || text.length < MIN_TEXT_TOKEN || this.#sent.has(text)) return null;
    return this.#findInTexts(text, slot, startMs);
  }

  /** A token that is somewhere in a text, such as in a script of a page. */
  #findInTexts(value: string, slot: Slot, startMs: number): Found | null {
    for (const { text, index, knownMs } of this.#texts) {
      if (knownMs > startMs || this.#searchable <= 0) continue;
      this.#searchable -= text.length;
      const pattern = patternOf(text, value);
      if (pattern === null) continue;
      const found: Found = {
        index,
        knownMs,
        place: { kind: "text", pattern },
        example: value,
        name: slot.name === "authorization" || slot.name === "" ? "token" : slot.name,
        words: new Set(),
        subject: "",
      };
      this.#add(value, found);
      return found;
    }
    return null;
  }

  /** Tokens inside a longer text, such as a body of XML. */
  #inside(
    text: string,
    slot: Slot,
    at: { readonly call: Call; readonly startMs: number },
  ): JsonDraft {
    if (slot.kind === "path") return text;
    let parts: (string | Reference)[] = [text];
    for (const match of text.matchAll(/[\w.~+/=-]{12,}/g)) {
      const [token] = match;
      if (!isToken(token) || !this.#found.has(token)) continue;
      const reference = this.#referenceTo(token, slot, at);
      if (reference === null) continue;
      parts = parts.flatMap((part) =>
        typeof part !== "string"
          ? [part]
          : part.split(token).flatMap((piece, index) => index === 0 ? [piece] : [reference, piece])
      );
    }
    return joined(parts);
  }

  /** The name of the variable that the response's request saves. */
  #save(found: Found, slot: Slot): string {
    const known = this.#variables.get(found);
    if (known !== undefined) return known;
    const name = uniqueName(variableName(found, slot), this.#names);
    this.#variables.set(found, name);
    const saves = this.#saves.get(found.index) ?? [];
    this.#saves.set(found.index, saves);
    saves.push({ variable: name, example: found.example, from: found.place });
    return name;
  }

  #read(
    response: RecordedResponse,
    { call, index, knownMs }: {
      readonly call: Call;
      readonly index: number;
      readonly knownMs: number;
    },
  ): void {
    const words = wordsOf(call, "");
    const subject = subjectOf(call);
    const add = (
      value: string | number,
      place: Place,
      name: string,
      more: Iterable<string> = [],
    ): void => {
      if (!isCandidate(String(value), name) || this.#sent.has(String(value))) return;
      this.#add(String(value), {
        index,
        knownMs,
        place,
        example: value,
        name,
        words: new Set([...words, ...more]),
        subject,
      });
    };
    if (response.text !== null) {
      if (/json/.test(response.mediaType)) {
        addJson(parseJson(response.text), add);
      } else if (isHtml(response)) {
        this.#addPage(response.text, add);
        this.#texts.push({ text: response.text, index, knownMs });
      } else this.#texts.push({ text: response.text, index, knownMs });
    }
    for (const [name, value] of response.headers) addHeader(name, value, add);
    if (response.redirectedTo !== null) addUrl(response.redirectedTo, add);
  }

  #addPage(html: string, add: Add): void {
    let page;
    try {
      page = this.#parsePage!(html);
    } catch {
      // Too long, or nested too deep: a test could not read it either.
      return;
    }
    const seen = new Set<string>();
    for (const [selector, nameOf, attribute] of FIELDS) {
      for (const element of page.findAll(selector)) {
        const name = element.attr(nameOf) ?? "";
        const value = element.attr(attribute) ?? "";
        if (name === "" || /["\\\n]/.test(name)) continue;
        const kind = element.name;
        const own = `${kind}[${nameOf}=${/^[\w-]+$/.test(name) ? name : `"${name}"`}]`;
        // Several forms of a page can have fields of the same name: a test finds the first one.
        if (seen.has(own)) continue;
        seen.add(own);
        if (value !== "") add(value, { kind: "html", selector: own, attribute }, name);
      }
    }
  }

  #add(value: string, found: Found): void {
    const list = this.#found.get(value) ?? [];
    this.#found.set(value, list);
    if (list.length < MAX_PLACES) list.push(found);
  }
}

type Add = (value: string | number, place: Place, name: string, words?: Iterable<string>) => void;

/** Elements that contain values for later requests: selector, attribute of the name, and of the value. */
const FIELDS = [
  ["input[name]", "name", "value"],
  ["meta[name]", "name", "content"],
] as const;

/** A value such as 1 is in many places; the first ones are enough. */
const MAX_PLACES = 50;

/** Values of a response that are looked at: a long list has the same kind of values again and again. */
const MAX_LEAVES = 20_000;

/** Shorter tokens are not searched for in texts. */
const MIN_TEXT_TOKEN = 16;

function isHtml({ mediaType }: RecordedResponse): boolean {
  return mediaType === "text/html" || mediaType === "application/xhtml+xml";
}

function addJson(json: JsonDraft | undefined, add: Add): void {
  let leaves = 0;
  const visit = (value: JsonDraft, path: JsonPath): void => {
    if (leaves > MAX_LEAVES || value instanceof Template) return;
    if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        visit(member, [...path, Array.isArray(value) ? Number(key) : key]);
      }
    } else if (typeof value === "string" || typeof value === "number") {
      leaves++;
      if (value === "") return;
      const keys = path.filter((key) => typeof key === "string");
      add(value, { kind: "json", path }, keys.at(-1) ?? "", keys.map(wordOf));
    }
  };
  if (json !== undefined) visit(json, []);
}

function addHeader(name: string, value: string, add: Add): void {
  if (name === "set-cookie") {
    const [, cookie, content] = /^([^=;\s]+)=([^;]*)/.exec(value) ?? [];
    if (cookie === undefined || content === undefined || content === "") return;
    add(content, { kind: "cookie", name: cookie }, cookie);
    if (decoded(content) !== content) {
      add(decoded(content), { kind: "cookie", name: cookie, decode: true }, cookie);
    }
  } else if (name === "location") {
    const url = URL.parse(value, "http://host");
    if (url !== null) addUrl(url, add, name);
  } else if (!COMMON_HEADERS.test(name)) add(value, { kind: "header", name }, name);
}

/** Headers that contain no values for later requests. */
const COMMON_HEADERS =
  /^(?:accept|access-control|age|allow|alt-svc|cache-control|connection|content|cross-origin|date|expires|keep-alive|last-modified|link|nel|permissions|pragma|referrer|report|server|strict|transfer|vary|via|x-content|x-frame|x-powered|x-xss)/;

/** Identifiers in the path of a URL, and tokens in its query. */
function addUrl(url: URL, add: Add, header?: string): void {
  const place = (pattern: RegExp): Place =>
    header === undefined ? { kind: "url", pattern } : { kind: "header", name: header, pattern };
  const segments = url.pathname.split("/");
  for (const [at, segment] of segments.entries()) {
    if (!looksLikeId(segment)) continue;
    const start = segments.slice(0, at).findLastIndex((one) => !looksLikeId(one));
    const before = segments.slice(start, at)
      .map((one) => looksLikeId(one) ? "[^/]+" : escaped(one));
    const subject = segments.slice(0, at).findLast((one) => one !== "" && !looksLikeId(one)) ?? "";
    const pattern = new RegExp(`${before.join("\\/")}\\/([^/?#]+)`);
    add(segment, place(pattern), `${singular(subject)}Id`, [wordOf(subject)]);
  }
  for (const [name, value] of url.searchParams) {
    if (isToken(value)) add(value, place(new RegExp(`[?&]${escaped(name)}=([^&#]+)`)), name);
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&").replaceAll(/[^\x20-\x7e]/g, ".");
}

/**
 * A pattern whose first match in a text has this value as its group; `null` if there is none that a reader
 * would understand.
 */
function patternOf(text: string, value: string): RegExp | null {
  const at = text.indexOf(value);
  if (at < 0) return null;
  const end = text[at + value.length];
  if (end === undefined || !/["'<&\s;,)]/.test(end)) return null;
  const line = text.slice(Math.max(0, at - MAX_CONTEXT), at).split(/[\r\n]/).at(-1)!;
  // From the beginning of a word.
  for (const { index } of [...line.matchAll(/(?<![\w-])[A-Za-z_]/g)].reverse()) {
    const pattern = new RegExp(
      `${escaped(line.slice(index))}([^${/\s/.test(end) ? "\\s" : end}]+)`,
    );
    if (pattern.exec(text)?.[1] === value) return pattern;
  }
  return null;
}

const MAX_CONTEXT = 40;

/** Whether a value of a response can be one that later requests send. */
function isCandidate(text: string, name: string): boolean {
  return text.length <= MAX_VALUE &&
    (isToken(text) || CSRF.test(name) || name === "etag" ||
      (/^\d{1,18}$/.test(text) && isIdName(name)));
}

/** Longer values are content. */
const MAX_VALUE = 20_000;

/** Whether a value of a response is what a request has sent, or only looks the same. */
function isCredible(
  text: string,
  slot: Slot,
  { name, place, words }: Found,
  score: number,
): boolean {
  if (isToken(text)) return true;
  if (CSRF.test(name) && CSRF.test(slot.name) && text.length >= 4) return true;
  if (place.kind === "header" && name === "etag") return slot.name === "if-match";
  // Numbers are also counts and prices.
  if (!/^\d{1,18}$/.test(text) || !isIdName(name)) return false;
  // Such as `cart: 4711` after the answer of `POST /carts` had an `id`.
  const isNamed = isIdName(slot.name) || words.has(wordOf(slot.name));
  if (slot.kind !== "path" && !isNamed) return false;
  return text.length >= 4 || score > 0;
}

const CSRF = /csrf|xsrf|authenticity|verificationtoken|nonce/i;

function isIdName(name: string): boolean {
  return /(?:^|[_-])(?:ids?|uuid|guid|key|number|ref|token)$|[a-z\d](?:Ids?|ID|Uuid|Number|Ref|Key)$/i
    .test(name) && !/(?:paid|valid|grid|void|avoid|bid)$/.test(name);
}

/** Whether a text is made by a program: random letters and digits, and no word, number, date, address or URL. */
function isToken(text: string): boolean {
  if (text.length < 8 || /[\s"'<>{}@,]|^https?:|^\d+(?:\.\d+)?$/.test(text)) return false;
  if (/^\d{4}-\d\d-\d\d|^\d+(?:\.\d+)+$|^(?:\w+\/)+\w+$/.test(text)) return false;
  if (/^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i.test(text)) return true;
  const digits = text.match(/\d/g)?.length ?? 0;
  const letters = text.match(/[A-Za-z]/g)?.length ?? 0;
  if (digits >= 2 && letters >= 2) return true;
  // Letters alone: random ones change between upper and lower case often.
  return text.length >= 16 && (text.match(/[a-z][A-Z]|[A-Z][a-z]/g)?.length ?? 0) >= 4 &&
    !/^[a-z]+(?:[A-Z][a-z]{2,})*$/.test(text);
}

/** A name for a value: what it is called in the response, or what it is part of. */
function variableName({ name, subject }: Found, slot: Slot): string {
  const plain = name.replace(/^x-/i, "").replace(/^_+/, "");
  if (!/^(?:ids?|uuid|guid|key|value|number|ref|)$/i.test(plain)) return camelCase(plain, "value");
  const thing = slot.kind === "path" && !looksLikeId(slot.name) ? singular(slot.name) : "";
  if (thing !== "") return camelCase(`${thing} ${plain || "id"}`, "id");
  if (isIdName(slot.name) && slot.name.length > 2) return camelCase(slot.name, "id");
  return camelCase(`${subject} ${plain || "id"}`, "id");
}

function subjectOf({ url: { path } }: Call): string {
  const segments = (typeof path === "string" ? path : "").split("/")
    .filter((one) => one !== "" && !looksLikeId(one));
  return singular(segments.at(-1) ?? "");
}

function wordsOf({ url: { path } }: Call, name: string): Set<string> {
  const segments = (typeof path === "string" ? path : "").split("/");
  return new Set(
    [...segments, ...name.replaceAll(/([a-z])(?=[A-Z])/g, "$1_").split(/[^A-Za-z]+/)]
      .map(wordOf).filter((word) => word.length > 2 && !/^(?:api|v\d+)$/.test(word)),
  );
}

function wordOf(text: string): string {
  return singular(text).toLowerCase().replace(/_?id$/, "");
}

function singular(word: string): string {
  if (/ies$/i.test(word)) return word.replace(/ies$/i, "y");
  return /[^su]s$/i.test(word) ? word.slice(0, -1) : word;
}
