/**
 * Makes a test from the recording of a browser: which requests a user's test repeats, in which order, and with
 * which waits.
 *
 * @module
 */

import { getPublicSuffix } from "tough-cookie";
import { UsageError } from "../core/errors.ts";
import { queryParameters, type ReadBody, readBody } from "./bodies.ts";
import { constantCase } from "./code.ts";
import { correlate } from "./correlation.ts";
import { type Call, type Check, type Draft, type Step, valueOf } from "./draft.ts";
import type { Exchange, Recording } from "./har.ts";
import { isBrowserHeader, shortAccept } from "./headers.ts";
import { serviceName } from "./names.ts";
import { hideSecrets } from "./secrets.ts";

/** What is taken from a recording. */
export interface RecordingOptions {
  /** Whether images, style sheets, scripts and fonts are requested as well. */
  readonly withResources: boolean;
  /** Further hosts, each with all names below it; `*`: all. */
  readonly hosts: readonly string[];
  /** The name of the file, for the comment at the top. */
  readonly name: string;
}

/**
 * The test that repeats a recording.
 *
 * @throws UsageError if nothing is left of it.
 */
export async function draftOfRecording(
  recording: Recording,
  options: RecordingOptions,
): Promise<Draft> {
  const { requests, host, notes } = select(recording, options);
  const service = serviceName(host);
  const correlated = await correlate(requests.map(({ exchange, last, keepsRedirect }) => ({
    call: callOf(exchange, { host, keepsRedirect, last }),
    startMs: exchange.startMs,
    // What follows from a page starts while the rest of it arrives.
    knownMs: isPage(exchange) ? last.startMs : endOf(last),
    response: last.status === 0 ? null : {
      // Of a redirect that is followed, a test sees the cookies alone.
      headers: last === exchange ? last.responseHeaders : [
        ...exchange.responseHeaders.filter(([name]) => name === "set-cookie"),
        ...last.responseHeaders,
      ],
      mediaType: last.mediaType,
      text: last.text,
      redirectedTo: last === exchange ? null : last.url,
    },
  })));
  const { calls, secrets } = hideSecrets(correlated, constantCase(service, "SERVICE"));
  const timed = requests.map(({ exchange, last }, index) => ({
    call: calls[index]!,
    exchange,
    endMs: Math.max(endOf(exchange), endOf(last)),
  }));
  const resources = recording.exchanges.filter((exchange) =>
    isResource(exchange) && exchange.durationMs <= MAX_LOADING_MS
  );
  const steps = stepsOf(timed, resources);
  return {
    source: sourceOf(recording, options, requests.length),
    notes: [...notes, ...notesAbout(recording, requests)],
    secrets,
    classes: [{
      name: `${service}Test`,
      host,
      newVisitor: true,
      tests: [{ name: "testVisit", steps }],
    }],
  };
}

function sourceOf(
  { recorder, exchanges }: Recording,
  { name }: RecordingOptions,
  count: number,
): string {
  const [first] = exchanges;
  const day = first!.startMs > 0
    ? ` on ${new Date(first!.startMs).toISOString().slice(0, 10)}`
    : "";
  const by = recorder === "" ? "recorded" : `which ${recorder} recorded`;
  return `Made by aiotest init from ${name}, ${by}${day}: ${count} of its ${exchanges.length} requests.`;
}

/** A request of the test. */
interface Selected {
  readonly exchange: Exchange;
  /** The last of its redirects, or itself. */
  readonly last: Exchange;
  readonly keepsRedirect: boolean;
}

interface Selection {
  readonly requests: readonly Selected[];
  /** The origin of the service. */
  readonly host: string;
  readonly notes: readonly string[];
}

function select({ exchanges }: Recording, options: RecordingOptions): Selection {
  const web = exchanges.filter(({ url }) => /^https?:$/.test(url.protocol));
  const folded = foldRedirects(web);
  const first = web.find((one) => isPage(one) && one.status > 0 && !folded.followed.has(one)) ??
    web.find((one) => one.status > 0 && !isResource(one)) ?? web[0];
  if (first === undefined) {
    throw new UsageError(`--har: ${options.name} contains no requests of HTTP`);
  }
  const isKeptHost = hostTest(first.url.hostname, options.hosts);
  const left = new LeftOut();
  const isLeft = (exchange: Exchange): boolean => {
    const { url, status, method, headers } = exchange;
    const type = exchange.resourceType;
    if (/^wss?:$/.test(url.protocol) || type === "websocket" || status === 101) {
      return left.add("WebSocket connections", url.host);
    }
    if (!/^https?:$/.test(url.protocol)) return true;
    if (!isKeptHost(url.hostname)) return left.host(url.hostname);
    if (
      type === "preflight" || method === "CONNECT" ||
      (method === "OPTIONS" && headers.some(([name]) => name === "access-control-request-method"))
    ) return true;
    if (type === "eventsource" || exchange.mediaType === "text/event-stream") {
      return left.add("streams of events, which do not end", url.pathname);
    }
    if (isResource(exchange) && !options.withResources) return left.resource();
    if (status === 0) return left.add("requests without a response", url.pathname);
    return false;
  };
  const requests: Selected[] = [];
  for (const exchange of exchanges) {
    if (folded.followed.has(exchange) || isLeft(exchange)) continue;
    const chain = folded.chains.get(exchange) ?? [];
    const isOutside = chain.some(({ url }) => !isKeptHost(url.hostname));
    const last = isOutside ? exchange : chain.at(-1) ?? exchange;
    requests.push({ exchange, last, keepsRedirect: isOutside });
  }
  if (requests.length === 0) {
    throw new UsageError(
      `--har: no request of ${options.name} is left for a test`,
      left.notes().join("\n"),
    );
  }
  return {
    requests,
    // A browser that was sent to another scheme or host began at a place of no interest.
    host: (folded.chains.get(first)?.findLast(({ url }) => isKeptHost(url.hostname)) ?? first).url
      .origin,
    notes: [...left.notes(), ...options.hosts.flatMap((host) => unusedNote(host, exchanges))],
  };
}

/** What to say of an option that has kept nothing. */
function unusedNote(host: string, exchanges: readonly Exchange[]): string[] {
  const domain = domainOf(host);
  return exchanges.some(({ url }) => isWithin(url.hostname, domain))
    ? []
    : [`--hosts ${host}: no request was sent there.`];
}

/** Whether requests to a host belong to the test: the site of the first page, and further hosts. */
function hostTest(first: string, hosts: readonly string[]): (hostname: string) => boolean {
  const site = getPublicSuffix(first, { allowSpecialUseDomain: true, ignoreError: true }) ?? first;
  const kept = [site, ...hosts.map(domainOf)];
  return (hostname) => kept.some((domain) => isWithin(hostname, domain));
}

function domainOf(host: string): string {
  return host.toLowerCase().replace(/^\*\./, "");
}

function isWithin(hostname: string, domain: string): boolean {
  return domain === "*" || hostname === domain || hostname.endsWith(`.${domain}`);
}

/** What is not part of the test, for the notes. */
class LeftOut {
  #resources = 0;
  readonly #hosts = new Map<string, number>();
  readonly #others = new Map<string, Map<string, number>>();

  /** @returns true. */
  resource(): boolean {
    this.#resources++;
    return true;
  }

  host(hostname: string): boolean {
    this.#hosts.set(hostname, (this.#hosts.get(hostname) ?? 0) + 1);
    return true;
  }

  add(kind: string, what: string): boolean {
    const counts = this.#others.get(kind) ?? new Map<string, number>();
    this.#others.set(kind, counts);
    counts.set(what, (counts.get(what) ?? 0) + 1);
    return true;
  }

  notes(): string[] {
    return [
      ...this.#hosts.size === 0
        ? []
        : [`Left out, as requests to other hosts: ${counted(this.#hosts)}. --hosts keeps them.`],
      ...this.#resources === 0 ? [] : [
        `Left out, as resources of pages: ${this.#resources} ` +
        `${
          this.#resources === 1
            ? "image, style sheet, script or font"
            : "images, style sheets, scripts and fonts"
        }. ` +
        "--with-resources keeps them.",
      ],
      ...[...this.#others].map(([kind, counts]) => `Left out, as ${kind}: ${counted(counts)}.`),
    ];
  }
}

function counted(counts: ReadonlyMap<string, number>): string {
  const texts = [...counts].sort(([, one], [, other]) => other - one)
    .map(([name, count]) => count === 1 ? name : `${name} (${count})`);
  const more = texts.length - MAX_LISTED;
  return more > 0 ? `${texts.slice(0, MAX_LISTED).join(", ")} and ${more} more` : texts.join(", ");
}

const MAX_LISTED = 12;

/** Requests with the redirects that the browser followed, and those that are part of such a chain. */
function foldRedirects(exchanges: readonly Exchange[]): {
  readonly chains: ReadonlyMap<Exchange, readonly Exchange[]>;
  readonly followed: ReadonlySet<Exchange>;
} {
  const chains = new Map<Exchange, Exchange[]>();
  const followed = new Set<Exchange>();
  /** The first request of the chain that a request belongs to. */
  const heads = new Map<Exchange, Exchange>();
  for (const [index, exchange] of exchanges.entries()) {
    const { status, responseHeaders, url, startMs, durationMs, method } = exchange;
    if (![301, 302, 303, 307, 308].includes(status)) continue;
    // The browser itself went to HTTPS, without asking the server.
    if (responseHeaders.some(([name]) => name === "non-authoritative-reason")) {
      followed.add(exchange);
      continue;
    }
    const location = responseHeaders.find(([name]) => name === "location")?.[1];
    const target = location === undefined ? null : URL.parse(location, url);
    if (target === null) continue;
    target.hash = "";
    const next = exchanges.slice(index + 1, index + 1 + MAX_DISTANCE).find((one) =>
      !followed.has(one) && withoutHash(one.url) === target.href &&
      (one.method === "GET" || one.method === method) &&
      one.startMs <= startMs + durationMs + MAX_REDIRECT_GAP_MS
    );
    if (next === undefined) continue;
    const head = heads.get(exchange) ?? exchange;
    heads.set(next, head);
    followed.add(next);
    chains.set(head, [...chains.get(head) ?? [], next]);
  }
  return { chains, followed };
}

const MAX_DISTANCE = 50;
const MAX_REDIRECT_GAP_MS = 2_000;

function withoutHash(url: URL): string {
  return url.href.split("#", 1)[0]!;
}

/** A page that the browser showed. */
function isPage({ resourceType, mediaType, method, headers }: Exchange): boolean {
  if (resourceType !== "") return resourceType === "document";
  const mode = headers.find(([name]) => name === "sec-fetch-mode")?.[1];
  if (mode !== undefined) return mode === "navigate";
  return mediaType === "text/html" && /^(?:GET|POST)$/.test(method) &&
    !headers.some(([name]) => name === "x-requested-with");
}

/** What a page consists of, apart from data. */
function isResource({ resourceType, mediaType, method, url }: Exchange): boolean {
  if (method !== "GET") return false;
  if (RESOURCE_TYPES.has(resourceType)) return true;
  if (/^(?:xhr|fetch|document)$/.test(resourceType)) return false;
  if (
    /^(?:image|font|audio|video)\/|^text\/css$|javascript|ecmascript|font|wasm|manifest\+json$/
      .test(mediaType)
  ) {
    return true;
  }
  return !/json|html|xml/.test(mediaType) &&
    /\.(?:avif|bmp|css|eot|gif|ico|jpe?g|js|map|mjs|mp[34]|og[gv]|otf|png|svg|ttf|wasm|wav|web[mp]|webmanifest|woff2?)$/i
      .test(url.pathname);
}

const RESOURCE_TYPES: ReadonlySet<string> = new Set(
  "cspviolationreport font image manifest media script stylesheet texttrack".split(" "),
);

interface CallContext {
  readonly host: string;
  readonly keepsRedirect: boolean;
  readonly last: Exchange;
}

function callOf(exchange: Exchange, { host, keepsRedirect, last }: CallContext): Call {
  const { method, url, headers, body } = exchange;
  const read = body === null ? null : recordedBody(body);
  const kept = headers.filter(([name, value]) =>
    !isBrowserHeader(name, value) && name !== "cookie" &&
    !(name === "content-type" && (read === null || read.impliesType)) &&
    // Services check where a change comes from.
    !(name === "origin" && /^(?:GET|HEAD)$/.test(method))
  );
  const name = operationName(url.pathname, read?.body);
  const checks: Check[] = last.status >= 400 && last.status < 500 && !keepsRedirect
    ? [{ kind: "status", statuses: [last.status] }]
    : [];
  return {
    method,
    url: { origin: url.origin, path: url.pathname, query: queryParameters(url.search.slice(1)) },
    ...name === null ? {} : { name },
    headers: kept.map(([name, value]) =>
      [
        name,
        name === "origin" && value === host ? valueOf({ kind: "host" }) : shortAccept(name, value),
      ] as const
    ),
    ...read === null ? {} : { body: read.body },
    ...keepsRedirect ? { keepsRedirect } : {},
    ...body !== null && read === null
      ? { comment: "The recording does not contain the body of this request." }
      : {},
    checks,
    saves: [],
  };
}

/** `null` if the recording does not contain it. */
function recordedBody({ type, text, parts }: NonNullable<Exchange["body"]>): ReadBody | null {
  if (text !== null) return readBody(text, type);
  if (parts.length === 0) return null;
  const isForm = !/multipart/i.test(type) && parts.every(({ file }) => file === undefined);
  return {
    body: isForm
      ? { kind: "form", fields: parts.map(({ name, value }) => [name, value] as const) } as const
      : { kind: "multipart", parts } as const,
    impliesType: true,
  };
}

/** All requests of GraphQL have the same path, so their names contain what they ask for. */
function operationName(path: string, body: Call["body"]): string | null {
  if (body?.kind !== "json" || !/graphql$/.test(path)) return null;
  const { value } = body;
  if (typeof value !== "object" || value === null || !("operationName" in value)) return null;
  const { operationName } = value;
  return typeof operationName === "string" && /^\w+$/.test(operationName)
    ? `${path} ${operationName}`
    : null;
}

/** A request of the test, with the times of the recording. */
interface TimedCall {
  readonly call: Call;
  readonly exchange: Exchange;
  readonly endMs: number;
}

/** @param resources what pages consist of, whether or not the test requests it. */
function stepsOf(timed: readonly TimedCall[], resources: readonly Exchange[]): Step[] {
  const steps: Step[] = [];
  let page: Exchange["page"] = null;
  let endMs = timed[0]!.exchange.startMs;
  for (const batch of batchesOf(timed)) {
    const [{ exchange }] = batch;
    // While the browser loads a page, its user does not read it yet.
    const idleMs = resources.reduce(
      (ms, one) => one.startMs <= ms + MIN_WAIT * 1000 ? Math.max(ms, endOf(one)) : ms,
      endMs,
    );
    const seconds = rounded((exchange.startMs - idleMs) / 1000);
    if (seconds > 0) steps.push({ kind: "wait", seconds });
    if (exchange.page !== null && exchange.page !== page) {
      page = exchange.page;
      steps.push({
        kind: "comment",
        text: `Page: ${titleOf(page.title) || exchange.url.pathname}`,
      });
    }
    steps.push(...parallel(batch.map(({ call }) => call)));
    endMs = Math.max(endMs, ...batch.map((one) => one.endMs));
  }
  return steps;
}

function endOf({ startMs, durationMs }: Exchange): number {
  return startMs + durationMs;
}

/** Requests that were all in progress at the same moment are sent in parallel; a page comes alone. */
function batchesOf(timed: readonly TimedCall[]): [TimedCall, ...TimedCall[]][] {
  const batches: [TimedCall, ...TimedCall[]][] = [];
  let isOpen = false;
  let endMs = 0;
  for (const one of timed) {
    const isAlone = isPage(one.exchange);
    if (isOpen && !isAlone && one.exchange.startMs < endMs) {
      batches.at(-1)!.push(one);
      endMs = Math.min(endMs, one.endMs);
    } else {
      batches.push([one]);
      endMs = one.endMs;
      isOpen = !isAlone;
    }
  }
  return batches;
}

/** Requests that save something come first, one after the other. */
function parallel(calls: readonly Call[]): Step[] {
  const first = calls.filter(({ saves, comment }) => saves.length > 0 || comment !== undefined);
  const others = calls.filter((call) => !first.includes(call));
  return [
    ...first.map((call): Step => ({ kind: "call", call })),
    ...others.length > 1
      ? [{ kind: "batch", calls: others } as const]
      : others.map((call): Step => ({ kind: "call", call })),
  ];
}

/** Shorter pauses are those of the browser, and longer ones those of a user who did something else. */
function rounded(seconds: number): number {
  if (seconds < MIN_WAIT) return 0;
  return Math.min(MAX_WAIT, seconds < 10 ? Math.round(seconds * 2) / 2 : Math.round(seconds));
}

const MIN_WAIT = 0.5;

/** What takes longer, such as a film, is not waited for. */
const MAX_LOADING_MS = 10_000;
const MAX_WAIT = 60;

/** A title that is a URL, as in Chrome, without its query, which may contain secrets. */
function titleOf(title: string): string {
  const url = /^https?:/.test(title) ? URL.parse(title) : null;
  return url === null ? title.slice(0, 100) : url.pathname;
}

function notesAbout({ recorder, exchanges }: Recording, requests: readonly Selected[]): string[] {
  const names = (header: string): boolean =>
    exchanges.some(({ headers, responseHeaders }) =>
      [...headers, ...responseHeaders].some(([name]) => name === header)
    );
  const isSanitized = recorder === "Chrome" && !names("cookie") && !names("set-cookie") &&
    !names("authorization");
  const cookies = earlierCookies(requests);
  return [
    ...isSanitized
      ? [
        "The recording contains no cookies and no Authorization headers. Chrome leaves them out, unless " +
        "you allow HAR files with sensitive data in the settings of its developer tools.",
      ]
      : [],
    ...cookies.length === 0 ? [] : [
      `The browser already had these cookies: ${
        cookies.join(", ")
      }. If the service needs them, set ` +
      "them in onStart, with this.session.cookies.set.",
    ],
  ];
}

/** Names of cookies that were sent without having been set in the recording. */
function earlierCookies(requests: readonly Selected[]): string[] {
  const set = new Set<string>();
  const missing = new Set<string>();
  for (const { exchange, last } of requests) {
    for (const [name, value] of exchange.headers) {
      if (name !== "cookie") continue;
      for (const pair of value.split(";")) {
        const cookie = pair.split("=", 1)[0]!.trim();
        if (cookie !== "" && !set.has(cookie) && !ANALYTICS.test(cookie)) missing.add(cookie);
      }
    }
    for (const [name, value] of [...exchange.responseHeaders, ...last.responseHeaders]) {
      if (name === "set-cookie") set.add(value.split("=", 1)[0]!.trim());
    }
  }
  return [...missing].slice(0, MAX_LISTED);
}

/** Cookies of programs that count visitors. */
const ANALYTICS = /^(?:_ga|_gid|_gat|_gcl|_fbp|_hj|_pk_|_clck|_clsk|ajs_|mp_|amplitude|intercom)/;
