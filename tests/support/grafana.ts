import { projectPath } from "./paths.ts";

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
