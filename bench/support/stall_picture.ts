/**
 * The picture of docs/load-models.md: the same stall, in the closed model and in the open one.
 *
 * @module
 */

import { STALL, type StallRun, type StallRuns } from "./stall.ts";

/** Seconds shown, relative to the start of the stall. */
const SHOWN = { from: -1, to: 3 } as const;
/** Milliseconds per dot, which shows the slowest request that started in this time. */
const DOT_MS = 20;
const HIGHEST_SECONDS = 1.5;

const WIDTH = 720;
const HEIGHT = 310;
const PLOT = { width: 300, height: 170, top: 84 } as const;
const LEFTS = [48, 404] as const;

const STYLE = `
    .ground { fill: #ffffff }
    .stop { fill: #e8eaed }
    .line { stroke: #b4bac2; fill: none }
    text { font: 12px system-ui, sans-serif; fill: #4d5661 }
    .title { font-size: 14px; font-weight: 600; fill: #1b2026 }
    .dots { fill: none; stroke-width: 3.5; stroke-linecap: round }
    .closed { stroke: #b45309 }
    .open { stroke: #1d5fd1 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #15191f }
      .stop { fill: #2a313a }
      .line { stroke: #59636f }
      text { fill: #b3bcc7 }
      .title { fill: #eef1f5 }
      .closed { stroke: #f0a94f }
      .open { stroke: #6ea8ff }
    }`;

interface Panel {
  readonly kind: "closed" | "open";
  readonly left: number;
  readonly title: string;
  /** Lines next to the first dot of the stall. */
  readonly inside: readonly string[];
  readonly run: StallRun;
}

/** An SVG with light and dark colours, following the reader's system. */
export function stallPicture({ few, closed }: StallRuns): string {
  const { rate, users, ms, seconds } = STALL;
  const stop = `${ms / 1000} s`;
  const closedP99 = p99Text(closed);
  const openP99 = p99Text(few);
  const panels: readonly Panel[] = [
    {
      kind: "closed",
      left: LEFTS[0],
      title: `Closed model: p99 is ${closedP99}`,
      inside: [`${users} requests wait,`, "and nothing else is sent"],
      run: closed,
    },
    {
      kind: "open",
      left: LEFTS[1],
      title: `Open model: p99 is ${openP99}`,
      inside: [],
      run: few,
    },
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" \
aria-labelledby="title about">
  <title id="title">A target that stops answering for ${stop}, in the closed and in the open model</title>
  <desc id="about">Latency by the time at which requests started. In the closed model, ${users} \
requests take ${stop}, and no other request starts until the target answers again: the 99th percentile \
of the run is ${closedP99}. In the open model, the requests that were due during that time form a line \
that falls from ${stop}: the 99th percentile is ${openP99}.</desc>
  <style>${STYLE}
  </style>
  <rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>
  <text x="16" y="26">${users} users, ${
    rate.toLocaleString("en")
  } requests per second, ${seconds} s. \
Grey: the target does not answer for ${stop}.</text>
${panels.map(panelSvg).join("\n")}
  <text x="16" y="${
    HEIGHT - 14
  }">Horizontal axis: seconds since the target stopped. Each dot is the slowest \
request of ${DOT_MS} ms.</text>
</svg>
`;
}

function panelSvg({ kind, left, title, inside, run }: Panel): string {
  const { width, height, top } = PLOT;
  const bottom = top + height;
  const x = (seconds: number): string =>
    (left + (seconds - SHOWN.from) / (SHOWN.to - SHOWN.from) * width).toFixed(1);
  const y = (seconds: number): string => (bottom - seconds / HIGHEST_SECONDS * height).toFixed(1);
  const [from, to] = run.stalled;
  const stopped = (to - from) / 1000;
  const stop = `<rect class="stop" x="${x(0)}" y="${top}" width="${
    (Number(x(stopped)) - Number(x(0))).toFixed(1)
  }" height="${height}"/>`;
  const seconds = [-1, 0, 1, 2, 3].map((at) =>
    `<text x="${x(at)}" y="${bottom + 18}" text-anchor="middle">${at < 0 ? `−${-at}` : at}${
      at === SHOWN.to ? " s" : ""
    }</text>`
  );
  const latencies = [0, 0.5, 1, 1.5].map((at) =>
    `<path class="line" d="M${left} ${y(at)}h-4"/>` +
    `<text x="${left - 8}" y="${Number(y(at)) + 4}" text-anchor="end">${at}${
      at === HIGHEST_SECONDS ? " s" : ""
    }</text>`
  );
  const notes = inside.map((text, at) =>
    `<text x="${Number(x(0)) + 8}" y="${top + 16 * (at + 1)}">${text}</text>`
  );
  const dots = slowest(run).map(([at, latency]) => `M${x(at)} ${y(latency)}h0`);
  return `  <g>
    <text class="title" x="${left}" y="${top - 30}">${title}</text>
    <text x="${left}" y="${top - 12}">Latency of requests by the time they ${
    kind === "closed" ? "started" : "were due"
  }</text>
    ${stop}
    <path class="line" d="M${left} ${top}V${bottom}H${left + width}"/>
    ${[...latencies, ...seconds, ...notes].join("\n    ")}
    <path class="dots ${kind}" d="${dots.join("")}"/>
  </g>`;
}

/** Start times, and the longest duration of each few milliseconds, in seconds. */
function slowest({ traced, stalled: [from] }: StallRun): [at: number, latency: number][] {
  const found = new Map<number, number>();
  for (const [index, began] of traced.beganAtMs.entries()) {
    const dot = Math.floor((began - from) / DOT_MS);
    found.set(dot, Math.max(found.get(dot) ?? 0, traced.latencyMs[index]!));
  }
  return [...found].map(([dot, latency]) =>
    [(dot + 0.5) * DOT_MS / 1000, latency / 1000] as [number, number]
  ).filter(([at]) => at >= SHOWN.from && at < SHOWN.to).sort(([one], [other]) => one - other);
}

function p99Text({ summary }: StallRun): string {
  const ms = summary.totals.latencyMs.p99!;
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
