import type { Option } from "commander";
import { commandOptions, compareFlags, flagParser, ownOptions } from "./flag_parser.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS } from "./settings.ts";

/** Characters in a line of help: what every terminal shows. */
const WIDTH = 80;

const USAGE = `[options]              run the test file
       aiotest init [DIR]             write a first test file
       aiotest quick URL [options]    send requests to a URL, with no test file
       aiotest demo [options]         test a target of its own
       aiotest compare A.json B.json  say what differs between two runs

Each of these has a --help of its own: aiotest quick --help.`;

const REST = `
Every option may also be given in the environment (AIOTEST_RUN_TIME=3m) and in
the file that --config names (run-time = "3m"). Flags win over the environment,
and that over the file.

Examples:
  To see what it does, and to write a first test:
    aiotest demo
    aiotest init my-test

  To look at a URL:
    aiotest quick http://127.0.0.1:8000/ -u 50 -t 10s

  To run a test: 100 users, ten more each second, for three minutes:
    aiotest -f shop_test.ts -H http://127.0.0.1:8000 -u 100 -r 10 -t 3m
    aiotest -f shop_test.ts -u 100 -t 3m --tags checkout --json summary.json

  To start 50 passes a second whatever the target does, and fail if it is slow:
    aiotest -f shop_test.ts --arrival-rate 50 -t 3m --threshold "p95<200ms"

  On all cores of this machine:
    aiotest -f shop_test.ts -u 1000 -r 50 -t 3m --processes -1

  On many machines, one master and a worker for each core of the others:
    aiotest -f shop_test.ts -u 5000 -r 50 -t 3m --master --expect-workers 8
    aiotest -f shop_test.ts --worker --processes 4 --master-host 192.168.0.10
`;

const INIT_USAGE = `init [DIR]

Writes a first test file into the folder, or into this one: aiotestfile.ts, with
a small service inside to practise on; aiotest.d.ts and deno.json, by which an
editor knows what test files can import. Nothing is overwritten.`;

const INIT_REST = `
Examples:
  aiotest init
  aiotest init my-test
`;

const DEMO_USAGE = `demo [options]

Opens a small shop on this machine, tests it, and shows how a report looks. Now
and then an order fails there.`;

const DEMO_REST = `
Examples:
  aiotest demo
  aiotest demo -u 100 -r 50 -t 30s --json demo.json
`;

const QUICK_USAGE = `quick URL [options]

Sends requests to the URL, and reports how they went. Needs no test file.`;

const QUICK_REST = `
Every option may also be given in the environment (AIOTEST_RUN_TIME=30s) and in
the file that --config names.

Examples:
  aiotest quick http://127.0.0.1:8000/ -u 100 -t 30s
  aiotest quick http://127.0.0.1:8000/ -n 10000
  aiotest quick http://127.0.0.1:8000/login -d @login.json \\
      --header "Content-Type: application/json"
`;

const COMPARE_USAGE = `compare A.json B.json [options]

Sets run B beside run A, name by name: what differs, by how much, and whether it
can be chance. The files are summaries that --json has written. Exits with 3
where B is worse by more than --max-regression, and that for sure.`;

const COMPARE_REST = `
Examples:
  aiotest compare before.json after.json
  aiotest compare before.json after.json --max-regression 10% --json diff.json
`;

/** What `--help` prints. */
export function helpText(options: readonly Option[]): string {
  return format(options, USAGE) + REST;
}

/** What `init --help` prints. */
export function initHelpText(): string {
  return format(commandOptions(), INIT_USAGE) + INIT_REST;
}

/** What `demo --help` prints. */
export function demoHelpText(): string {
  return format(ownOptions(DEMO_SETTINGS), DEMO_USAGE) + DEMO_REST;
}

/** What `quick --help` prints. */
export function quickHelpText(): string {
  return format(ownOptions(QUICK_SETTINGS), QUICK_USAGE) + QUICK_REST;
}

/** What `compare --help` prints. */
export function compareHelpText(): string {
  return format(compareFlags(), COMPARE_USAGE) + COMPARE_REST;
}

function format(options: readonly Option[], usage: string): string {
  return flagParser(options)
    .usage(usage)
    .configureHelp({
      helpWidth: WIDTH,
      // Of two long spellings, the second is the flag's name.
      optionTerm: ({ flags }) => flags.replace(/^--[\w-]+, (?=--)/, ""),
    })
    .helpInformation();
}
