/**
 * Who is compared: each entry says how to start it and how to read what it says of itself.
 *
 * @module
 */

/** The same load for every contender. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  /** How long the contender is told to run. */
  readonly seconds: number;
  /** For files that it writes; empty at the start. */
  readonly folder: string;
}

/** What a contender says of itself. */
export interface OwnCount {
  readonly requests: number;
  /** Requests a second, where it prints them. */
  readonly rate: number | null;
}

/** What a contender printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** A load generator. */
export interface Contender {
  readonly name: string;
  /** The program: a name that must be on PATH, or a path. */
  readonly program: string;
  /** Only run when it is asked for by name. */
  readonly onRequest?: boolean;
  /** Runs before it is measured, and returns the arguments of the program. */
  args(load: Load): string[] | Promise<string[]>;
  /** Reads its own result: from what it printed, or from the files in the load's folder. */
  ownCount(printed: Printed, load: Load): OwnCount | Promise<OwnCount>;
}

const SUPPORT = "bench/support";

/** Everybody, in the order in which they run. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "wrk",
    program: "wrk",
    args: ({ url, connections, seconds }) => [
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
      `${url}/`,
    ],
    ownCount: ({ stdout }) => ({
      requests: numberAfter(stdout, /(\d+) requests in/),
      rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
    }),
  },
  {
    name: "hey",
    program: "hey",
    args: ({ url, connections, seconds }) => [
      ...["-z", `${seconds}s`, "-c", String(connections), "-cpus", "1"],
      `${url}/`,
    ],
    ownCount: ({ stdout }) => ({
      requests: numberAfter(stdout, /\[200\]\s+(\d+) responses/),
      rate: numberAfter(stdout, /Requests\/sec:\s*([\d.]+)/),
    }),
  },
  {
    name: "autocannon",
    program: "node",
    onRequest: true,
    args: async ({ url, connections, seconds, folder }) => {
      // Installed and not run by npx, whose own processes would be measured in its place.
      await install(folder, "autocannon@8.0.0");
      const program = `${folder}/node_modules/autocannon/autocannon.js`;
      return [program, "-c", String(connections), "-d", String(seconds), "--json", `${url}/`];
    },
    ownCount: ({ stdout }) => {
      const { requests } = JSON.parse(stdout) as { requests: { total: number; average: number } };
      return { requests: requests.total, rate: requests.average };
    },
  },
  {
    name: "locust FastHttpUser",
    program: "locust",
    args: ({ url, connections, seconds }) => [
      ...["-f", `${SUPPORT}/locustfile.py`, "--headless", "--only-summary", "-H", url],
      ...["-u", String(connections), "-r", "1000", "-t", `${seconds}s`],
    ],
    // Its CSV file lacks what came after it was last written; the table at the end lacks nothing.
    ownCount: ({ stderr }) => ({
      requests: numberAfter(stderr, /Aggregated\s+(\d+)/),
      rate: numberAfter(stderr, /Aggregated.*\|\s*([\d.]+)/),
    }),
  },
  {
    name: "bare fetch",
    program: Deno.execPath(),
    args: ({ url, connections, seconds }) => [
      ...["run", "-A", `${SUPPORT}/fetch_loop.ts`],
      ...[`${url}/`, String(connections), String(seconds)],
    ],
    ownCount: ({ stdout }) => JSON.parse(stdout) as OwnCount,
  },
  {
    name: "aiotest HttpUser",
    program: Deno.execPath(),
    args: (load) => aiotestArgs("http_user_test.ts", load),
    ownCount: aiotestCount,
  },
];

function aiotestArgs(file: string, { url, connections, seconds, folder }: Load): string[] {
  return [
    ...["run", "-A", "cli.ts", "-f", `${SUPPORT}/${file}`, "-H", url],
    ...["-u", String(connections), "-r", "1000", "-t", `${seconds}s`],
    ...["--json", `${folder}/out.json`],
  ];
}

async function aiotestCount(_printed: Printed, { folder }: Load): Promise<OwnCount> {
  const text = await Deno.readTextFile(`${folder}/out.json`);
  return (JSON.parse(text) as { totals: OwnCount }).totals;
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1]);
}

async function install(folder: string, name: string): Promise<void> {
  const args = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, name];
  const { success } = await new Deno.Command("npm", { args }).output();
  if (!success) throw new Error(`npm could not install ${name}`);
}
