/**
 * The path below which the dashboard is served, and what to tell clients that ask for other paths: most
 * of them come through a proxy that treats its path in another way than the dashboard expects.
 *
 * @module
 */

/** The longest path, to keep messages and cookies short. */
const MAX_LENGTH = 200;

/**
 * A base path without the slash at its end, so `/` is empty; null if it is invalid. Its characters need
 * no escaping in URLs, HTML and cookies.
 */
export function basePath(text: string): string | null {
  const path = text.replace(/\/$/, "");
  if (path.length > MAX_LENGTH || !/^(?:\/[\w.~-]+)*$/.test(path)) return null;
  // Browsers resolve these.
  return path.split("/").some((part) => part === "." || part === "..") || text === "" ? null : path;
}

/** Where a request leads. */
export interface Place {
  /** The path below the base path: empty, or with a slash at its start. */
  readonly path: string;
  /** The base path as the browser sees it, as {@link basePath} returns it. */
  readonly base: string;
}

/**
 * Where a request leads; null if its path is outside the base path.
 *
 * @param received the path of the request.
 * @param base the base path.
 * @param prefix the path that a trusted proxy has removed, or says that it has.
 */
export function placeOf(received: string, base: string, prefix: string): Place | null {
  const path = below(base, received);
  if (path !== null) {
    // Some proxies name the prefix although they have not removed it.
    const isWhole = base !== "" && prefix === base;
    return { path, base: isWhole ? base : prefix + base };
  }
  const rest = below(base, prefix + received);
  return rest === null ? null : { path: rest, base };
}

function below(base: string, path: string): string | null {
  return path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : null;
}

/** The longest received path that is repeated. */
const MAX_SHOWN = 200;

/**
 * Why nothing is found at a path, as a sentence that says what was received and what is expected.
 *
 * @param received the path of the request.
 * @param base the base path.
 * @param isKnown whether a path below the base path exists.
 */
export function notFoundText(
  received: string,
  base: string,
  isKnown: (path: string) => boolean,
): string {
  const shown = received.length > MAX_SHOWN ? `${received.slice(0, MAX_SHOWN)}…` : received;
  if (below(base, received) === null) {
    const expected = isKnown(received) ? base + received : `a path below ${base}/`;
    return `Not found. Received the path ${shown}, expected ${expected} (--web-base-path ${base}). ` +
      `If a proxy removes ${base} from the path, let it pass on the whole path, or start aiotest ` +
      "without --web-base-path.";
  }
  const own = received.slice(base.length);
  const added = basePathBefore(own, isKnown);
  if (added === null) return "Not found.";
  const expected = `${base}${own.slice(added.length)}`;
  return `Not found. Received the path ${shown}, expected ${expected}. ` +
    (base === ""
      ? `If a proxy serves this dashboard below ${added}/ and passes on the whole path: ` +
        `--web-base-path ${added}`
      : `The proxy adds ${added} to the path.`);
}

/** The first parts of a path that lead to a known one if they are left out; null if there are none. */
function basePathBefore(path: string, isKnown: (path: string) => boolean): string | null {
  // A wrong name below our own paths.
  if (/^\/(?:api|assets)\//.test(path)) return null;
  for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
    if (isKnown(path.slice(at))) return basePath(path.slice(0, at)) || null;
  }
  return null;
}
