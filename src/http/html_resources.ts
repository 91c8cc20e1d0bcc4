/**
 * The resources of an HTML page that browsers fetch together with it.
 *
 * @module
 */

import { Tokenizer, type TokenizerCallbacks } from "htmlparser2";

/** The most resources of a page. */
const MAX_RESOURCES = 200;

/** What follows in a page is not read, in UTF-16 units: reading takes time in which no other user continues. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** The most levels of elements whose content browsers do not load. Deeper ones count as one level. */
const MAX_INERT = 1000;

/** Elements whose content browsers do not load while scripts are on. */
const INERT: ReadonlySet<string> = new Set(["template", "noscript"]);

/** The links that browsers fetch by themselves. */
const FETCHED_LINKS: ReadonlySet<string> = new Set([
  ...["stylesheet", "icon", "preload", "modulepreload"],
]);

/** The types of scripts that browsers run; others are data. */
const SCRIPT_TYPE = /^(|module|(text|application)\/(javascript|ecmascript|x-javascript))$/;

/**
 * The width of the window in CSS pixels that decides between images of a `srcset`; a screen has one pixel for
 * each of them.
 */
const WINDOW_WIDTH = 1280;

/**
 * The URLs of the resources that a page names, each once, in their order: images, scripts, style sheets, icons,
 * preloaded files, frames and the posters of videos. At most 200, only those with http or https, and only what
 * is in the first 8 Mi characters.
 *
 * @param page the URL of the page, which `<base>` can replace for relative URLs.
 */
export function resourcesOf(text: string, page: URL): URL[] {
  const html = text.slice(0, MAX_LENGTH);
  const reader = new ResourceReader(html);
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader);
  tokenizer.write(html);
  tokenizer.end();
  const base = (reader.base === null ? null : URL.parse(reader.base, page)) ?? page;
  const found = new Map<string, URL>();
  for (const written of reader.urls) {
    const url = URL.parse(written, base);
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) continue;
    url.hash = "";
    found.set(url.href, url);
    if (found.size >= MAX_RESOURCES) break;
  }
  return [...found.values()];
}

/** Reads the tags of a page. It keeps no tree, so that a page can only cost as much as it is long. */
class ResourceReader implements TokenizerCallbacks {
  /** The value of the first `<base href>`, or `null`. */
  base: string | null = null;
  /** As they are written, in order. */
  readonly urls: string[] = [];
  readonly #html: string;
  #tag = "";
  #attributes = new Map<string, string>();
  #attribute = "";
  #value = "";
  /** How many elements are open whose content is not loaded. */
  #inert = 0;

  constructor(html: string) {
    this.#html = html;
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase();
    this.#attributes.clear();
  }

  onattribname(start: number, end: number): void {
    this.#attribute = this.#html.slice(start, end).toLowerCase();
  }

  onattribdata(start: number, end: number): void {
    this.#value += this.#html.slice(start, end);
  }

  onattribentity(codepoint: number): void {
    this.#value += String.fromCodePoint(codepoint);
  }

  onattribend(): void {
    // As in browsers, the first of several attributes with the same name counts.
    if (READ.has(this.#attribute) && !this.#attributes.has(this.#attribute)) {
      this.#attributes.set(this.#attribute, this.#value);
    }
    this.#value = "";
  }

  onopentagend(): void {
    if (INERT.has(this.#tag)) this.#inert = Math.min(this.#inert + 1, MAX_INERT);
    else if (this.#inert === 0) this.#element(this.#tag, this.#attributes);
  }

  onselfclosingtag(): void {
    // HTML ignores the slash.
    this.onopentagend();
  }

  onclosetag(start: number, end: number): void {
    if (this.#inert > 0 && INERT.has(this.#html.slice(start, end).toLowerCase())) this.#inert--;
  }

  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onend(): void {}
  onprocessinginstruction(): void {}
  ontext(): void {}
  ontextentity(): void {}

  #element(tag: string, attributes: ReadonlyMap<string, string>): void {
    switch (tag) {
      case "img":
      case "image":
        return this.#add(chosenImage(attributes.get("src"), attributes.get("srcset")));
      case "script":
        if (isFetchedScript(attributes)) this.#add(attributes.get("src"));
        return;
      case "link":
        if (isFetchedLink(attributes)) this.#add(attributes.get("href"));
        return;
      case "iframe":
        if (!attributes.has("srcdoc")) this.#add(attributes.get("src"));
        return;
      case "input":
        if (attributes.get("type")?.toLowerCase() === "image") this.#add(attributes.get("src"));
        return;
      case "video":
        return this.#add(attributes.get("poster"));
      case "base":
        this.base ??= attributes.get("href") ?? null;
    }
  }

  #add(url: string | undefined): void {
    // An empty URL would be that of the page.
    if (url !== undefined && url.trim() !== "") this.urls.push(url);
  }
}

/** The attributes that are read. */
const READ: ReadonlySet<string> = new Set([
  ...["src", "srcset", "href", "rel", "type", "poster", "srcdoc", "nomodule", "disabled"],
]);

function isFetchedScript(attributes: ReadonlyMap<string, string>): boolean {
  const type = (attributes.get("type") ?? "").trim().toLowerCase();
  return SCRIPT_TYPE.test(type) && !attributes.has("nomodule");
}

function isFetchedLink(attributes: ReadonlyMap<string, string>): boolean {
  const words = (attributes.get("rel") ?? "").toLowerCase().split(/\s+/);
  return words.some((word) => FETCHED_LINKS.has(word)) && !attributes.has("disabled");
}

/** One of the images that an element offers. */
interface Candidate {
  readonly url: string;
  /** In pixels; `NaN` if it is given as a density. */
  readonly width: number;
  readonly density: number;
}

/** The image that a browser with one pixel per CSS pixel loads: the smallest one that is large enough. */
function chosenImage(src: string | undefined, srcset: string | undefined): string | undefined {
  const candidates = srcset === undefined ? [] : candidatesOf(srcset);
  if (candidates.length === 0) return src;
  const hasWidths = candidates.some(({ width }) => !Number.isNaN(width));
  if (src !== undefined && !hasWidths) candidates.push({ url: src, width: NaN, density: 1 });
  const size = ({ width, density }: Candidate): number =>
    Number.isNaN(width) ? density : width / WINDOW_WIDTH;
  return candidates.reduce((best, one) => {
    const [a, b] = [size(best), size(one)];
    if (a >= 1 && b >= 1) return b < a ? one : best;
    return b > a ? one : best;
  }).url;
}

/** The candidates of a `srcset`: URLs with a width or a density each, separated by commas. */
function candidatesOf(srcset: string): Candidate[] {
  const found: Candidate[] = [];
  let at = 0;
  const next = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const text = pattern.exec(srcset)?.[0] ?? "";
    at += text.length;
    return text;
  };
  for (;;) {
    next(/[\s,]*/y);
    const text = next(/\S+/y);
    if (text === "") return found;
    const url = text.replace(/,+$/, "");
    // A comma at the end of a URL is not part of it; within one, it is.
    const descriptors = url === text ? next(/[^,]*/y) : "";
    const [, number = "1", unit = "x"] = /^\s*([\d.]+)([wx])\s*$/.exec(descriptors) ?? [];
    found.push({
      url,
      width: unit === "w" ? Number(number) : NaN,
      density: unit === "x" ? Number(number) : 1,
    });
  }
}
