/** A request of a recording; what is left out has a plain value. */
export interface HarRequest {
  readonly method?: string;
  readonly url: string;
  /** Milliseconds since the start of the recording. */
  readonly at?: number;
  readonly lasts?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** As `postData`. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly status?: number;
  /** Of the response. */
  readonly sets?: readonly (readonly [name: string, value: string])[];
  readonly type?: string;
  readonly answer?: string;
  readonly page?: string;
  /** As Chrome's `_resourceType`. */
  readonly kind?: string;
}

const START = Date.UTC(2026, 10, 28, 9, 30);

/** The text of a HAR file with these requests. */
export function harOf(requests: readonly HarRequest[], more: object = {}): string {
  const pages = [...new Set(requests.flatMap(({ page }) => page ?? []))];
  const entries = requests.map((one, index) => ({
    startedDateTime: new Date(START + (one.at ?? index * 200)).toISOString(),
    time: one.lasts ?? 100,
    ...one.page === undefined ? {} : { pageref: one.page },
    ...one.kind === undefined ? {} : { _resourceType: one.kind },
    request: {
      method: one.method ?? (one.body === undefined ? "GET" : "POST"),
      url: one.url,
      headers: Object.entries(one.headers ?? {}).map(([name, value]) => ({ name, value })),
      ...one.body === undefined ? {} : { postData: one.body },
    },
    response: {
      status: one.status ?? 200,
      headers: (one.sets ?? []).map(([name, value]) => ({ name, value })),
      content: {
        mimeType: one.type ?? "application/json",
        ...one.answer === undefined ? {} : { text: one.answer },
      },
    },
  }));
  return JSON.stringify({
    log: {
      version: "1.2",
      creator: { name: "Recorder", version: "3.1" },
      pages: pages.map((id) => ({ id, title: id })),
      entries,
      ...more,
    },
  });
}
