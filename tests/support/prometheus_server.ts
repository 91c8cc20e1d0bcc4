import { projectPath } from "./paths.ts";

/** One of the series that a query has found. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** How long something may take to be seen by Prometheus, in milliseconds. */
const LIMIT_MS = 60_000;

/** A real Prometheus that scrapes one address of this machine, by default twice a second. */
export class PrometheusServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: Deno.ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  /** @param target host and port. */
  static start(target: string): Promise<PrometheusServer> {
    return PrometheusServer.configured(
      `global: { scrape_interval: 500ms, scrape_timeout: 500ms }
scrape_configs:
  - job_name: aiotest
    static_configs: [{ targets: ["${target}"] }]
`,
    );
  }

  /** @param text its configuration. */
  static async configured(text: string): Promise<PrometheusServer> {
    const folder = await Deno.makeTempDir();
    const config = `${folder}/prometheus.yml`;
    await Deno.writeTextFile(config, text);
    const child = new Deno.Command("prometheus", {
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}/data`,
        "--web.listen-address=127.0.0.1:0",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const port = await portOf(child.stderr);
    const server = new PrometheusServer(`http://127.0.0.1:${port}`, child, folder);
    await within(async () => {
      const { ok, body } = await fetch(`${server.url}/-/ready`);
      await body?.cancel();
      return ok ? null : "prometheus is not ready";
    });
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** What an expression finds now. */
  async query(expression: string): Promise<Series[]> {
    const address = `${this.url}/api/v1/query?${new URLSearchParams({ query: expression })}`;
    const { data, error } = await (await fetch(address)).json();
    if (data === undefined) throw new Error(`${expression}: ${error}`);
    return data.result.map(
      ({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => ({
        labels: metric,
        value: Number(value[1]),
      }),
    );
  }

  /** Resolves when an expression has one value, and this one; rejects when it takes too long. */
  async until(expression: string, value: number): Promise<void> {
    await within(async () => {
      const found = await this.query(expression);
      if (found.length === 1 && found[0]!.value === value) return null;
      return `${expression} is not ${value}, but ${JSON.stringify(found)}`;
    });
  }
}

/** Resolves when nothing is wrong any more; rejects with what still is when it takes too long. */
async function within(look: () => Promise<string | null>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const problem = await look();
    if (problem === null) return;
    if (performance.now() > end) throw new Error(problem);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The port that its log names; the rest of the log is discarded. */
async function portOf(log: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = log.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let port: string | undefined;
  while (port === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`prometheus has not started:\n${text}`);
    text += value;
    port = /Listening on" address=127\.0\.0\.1:(\d+)/.exec(text)?.[1];
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return port;
}

/** What one part of Grafana's dashboard asks Prometheus. */
export interface DashboardQuery {
  readonly title: string;
  /** With Grafana's variables filled in. */
  readonly expression: string;
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** All queries of `deploy/grafana/aiotest.json`. */
export async function dashboardQueries(): Promise<DashboardQuery[]> {
  const text = await Deno.readTextFile(projectPath("deploy/grafana/aiotest.json"));
  const { panels, annotations }: {
    panels: readonly Panel[];
    annotations: { list: readonly { name: string; expr: string }[] };
  } = JSON.parse(text);
  const queries = [
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ title: name, expr })),
  ];
  return queries.map(({ title, expr }) => ({
    title,
    expression: expr.replaceAll("$job", ".*").replaceAll("$__rate_interval", "10s"),
  }));
}
