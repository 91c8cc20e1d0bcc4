/**
 * The texts of `--help`.
 *
 * @module
 */

import type { Option } from "commander";
import { commandFlags, flagParser } from "./flag_parser.ts";

/** Characters per line: what every terminal shows. */
const WIDTH = 80;

const USAGE = `[options]              run a test file
       aiotest check FILE [options]   check a test file without running it
       aiotest init [DIR] [options]   create a first test, or convert one
       aiotest quick URL [options]    load-test a URL without a test file
       aiotest demo [options]         try aiotest on a built-in target
       aiotest control URL COMMAND    steer a run from elsewhere
       aiotest history                list earlier runs
       aiotest compare RUN RUN        compare two runs
       aiotest report RUN             make reports from the summary of a run

For the options of a command: aiotest quick --help.`;

const REST = `
You can also set every option in the environment (AIOTEST_RUN_TIME=3m) and in
the file named by --config (run-time = "3m"). Flags override the environment,
which overrides the file.

Examples:
  Try aiotest, then create your first test:
    aiotest demo
    aiotest init my-test

  Load-test a URL:
    aiotest quick http://127.0.0.1:8000/ -u 50 -t 10s

  Run a test: 100 users, 10 more per second, for three minutes:
    aiotest -f shop_test.ts -H http://127.0.0.1:8000 -u 100 -r 10 -t 3m
    aiotest -f shop_test.ts -u 100 -t 3m --tags checkout --json summary.json

  Start 50 iterations per second, and fail if the target is slow:
    aiotest -f shop_test.ts --arrival-rate 50 -t 3m --threshold "p95<200ms"

  Use all cores of this machine:
    aiotest -f shop_test.ts -u 1000 -r 50 -t 3m --processes -1

  Use several machines: one master, and two others with four workers each:
    aiotest -f shop_test.ts -u 5000 -r 50 -t 3m --master --expect-workers 8
    aiotest -f shop_test.ts --worker --processes 4 --master-host 192.168.0.10
`;

const CHECK_USAGE = `check [FILE] [options]

Makes all checks of a run before its first request, and lists what the run would
do: user classes and tests, load, thresholds, and warnings. Sends nothing, apart
from what the test file does in its handlers of "init". The exit code is 0 if
the run could start, otherwise 2.`;

const CHECK_REST = `
Examples:
  aiotest check shop_test.ts
  aiotest check shop_test.ts -H http://127.0.0.1:8000 -u 100 -t 3m
`;

const INIT_USAGE = `init [DIR]
       aiotest init [FILE] --har FILE
       aiotest init [FILE] --openapi FILE
       aiotest init [FILE] --postman FILE
       aiotest init [FILE] --curl COMMAND

Creates a first test in DIR, or in the current directory: aiotestfile.ts, which
includes a small service to test, and aiotest.d.ts and deno.json, which tell
your editor what test files can import. Existing files are never overwritten.

With one of the options below, the test is made from what you have. FILE is a
name that ends in .ts, or in .js for plain JavaScript.`;

const INIT_REST = `
Examples:
  aiotest init
  aiotest init my-test
  aiotest init visit.ts --har visit.har
  aiotest init shop.ts --openapi openapi.yaml
  aiotest init shop.ts --postman shop.postman_collection.json
  aiotest init search.ts --curl 'curl https://shop.example/search?q=boots'
`;

const DEMO_USAGE = `demo [options]

Starts a small web shop on this machine, tests it, and prints a report. Some
orders fail on purpose.`;

const DEMO_REST = `
Examples:
  aiotest demo
  aiotest demo -u 100 -r 50 -t 30s --json demo.json
`;

const QUICK_USAGE = `quick URL [options]

Sends requests to the URL and prints a report. Needs no test file.`;

const QUICK_REST = `
You can also set every option in the environment (AIOTEST_RUN_TIME=30s) and in
the file named by --config.

Examples:
  aiotest quick http://127.0.0.1:8000/ -u 100 -t 30s
  aiotest quick http://127.0.0.1:8000/ -n 10000
  aiotest quick http://127.0.0.1:8000/login -d @login.json \\
      --header "Content-Type: application/json"
`;

const COMPARE_USAGE = `compare A B [options]

Compares run B with run A, request by request: what differs, by how much, and
whether it may be chance. Each is a summary written with --json, or a run of the
history: last, last~1 for the one before, or the start of an id. The exit code
is 3 if B is significantly worse, by more than --max-regression.`;

const COMPARE_REST = `
Examples:
  aiotest compare before.json after.json
  aiotest compare last~1 last
  aiotest compare 1b9d last
  aiotest compare before.json after.json --max-regression 10% --json diff.json
`;

const REPORT_USAGE = `report RUN [options]

Prints the tables of a run, and writes the reports that you name, from a summary
that --json has written, or from a run of the history: last, last~1 for the one
before, or the start of an id. If the run was killed, its summary is from at
most 30 s before. The exit code is 0 if all reports were written, whatever the
result of the run.`;

const REPORT_REST = `
Examples:
  aiotest report summary.json
  aiotest report last --html report.html
  aiotest report summary.json --html report.html --junit junit.xml --csv july
`;

const HISTORY_USAGE = `history [options]
       aiotest history show RUN
       aiotest history rm RUN... | --keep-last N

Lists earlier runs, the newest at the end, prints the report of one, or removes
some. Their summaries are in .aiotest, or in the directory of --history, which
you can also set as AIOTEST_HISTORY. RUN is last, last~1 for the one before, or
the start of an id.`;

const HISTORY_REST = `
Examples:
  aiotest history
  aiotest history --name checkout --json
  aiotest history show last
  aiotest history rm 1b9d 27c0
  aiotest history rm --keep-last 20
`;

const CONTROL_USAGE = `control URL COMMAND [options]

Watches and steers a run over the API of its dashboard, whose address its log
names: http://127.0.0.1:8089, or 8089 for short. The token is that of
AIOTEST_WEB_TOKEN. The exit code is 0 if the run has done it, otherwise 2, and 1
if a report cannot be written. That of status --watch is the one of the run.

Commands:
  status                     print what the run does, as one line
  users N [--rate N]         change the number of users
  arrival-rate N [--max-users N]
                             change the iterations that start per second
  pause, resume              let users finish their iterations and wait, and
                             continue
  stop                       end the run, as Ctrl-C does
  start [LOAD]               start a run that waits (--no-autostart), or another
                             one (--keep)
  quit                       end aiotest, which stays after runs with --keep
  report --html FILE ...     write reports of the run until now`;

const CONTROL_REST = `
Examples:
  aiotest control 8089 status --watch
  aiotest control http://127.0.0.1:8089 users 50 --rate 10
  aiotest control load.example.com:8089 report --html now.html --json now.json
`;

/** What `--help` prints for a run. @param options aiotest's own and those of the test file. */
export function helpText(options: readonly Option[]): string {
  return format(options, USAGE) + REST;
}

/** What `COMMAND --help` prints. */
export function commandHelpText(
  command: "check" | "init" | "quick" | "demo" | "compare" | "report" | "history" | "control",
): string {
  const { usage, rest } = COMMANDS[command];
  return format(commandFlags(command), usage) + rest;
}

const COMMANDS = {
  check: { usage: CHECK_USAGE, rest: CHECK_REST },
  init: { usage: INIT_USAGE, rest: INIT_REST },
  quick: { usage: QUICK_USAGE, rest: QUICK_REST },
  demo: { usage: DEMO_USAGE, rest: DEMO_REST },
  compare: { usage: COMPARE_USAGE, rest: COMPARE_REST },
  report: { usage: REPORT_USAGE, rest: REPORT_REST },
  control: { usage: CONTROL_USAGE, rest: CONTROL_REST },
  history: { usage: HISTORY_USAGE, rest: HISTORY_REST },
} as const;

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
