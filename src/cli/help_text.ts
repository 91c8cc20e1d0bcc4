import type { Option } from "commander";
import { flagParser, ownOptions } from "./flag_parser.ts";
import { QUICK_SETTINGS } from "./quick_settings.ts";

/** Characters in a line of help: what every terminal shows. */
const WIDTH = 80;

const USAGE = `[options]              run the test file
       aiotest quick URL [options]    send requests to a URL, with no test file
       aiotest demo [options]         test a target of its own

aiotest quick --help shows the options of quick.`;

const REST = `
Every option may also be given in the environment (AIOTEST_RUN_TIME=3m) and in
the file that --config names (run-time = "3m"). Flags win over the environment,
and that over the file.

Examples:
  aiotest demo
  aiotest quick http://127.0.0.1:8000/ -u 50 -t 10s
  aiotest -f shop_test.ts -H http://127.0.0.1:8000 -u 100 -r 10 -t 3m
  aiotest -f shop_test.ts -u 100 -t 3m --tags checkout --json summary.json
  aiotest -f shop_test.ts -u 1000 -t 3m --processes 4
  aiotest -f shop_test.ts -u 5000 -t 3m --master --expect-workers 8
  aiotest -f shop_test.ts --worker --master-host 192.168.0.10
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

/** What `--help` prints. */
export function helpText(options: readonly Option[]): string {
  return format(options, USAGE) + REST;
}

/** What `quick --help` prints. */
export function quickHelpText(): string {
  return format(ownOptions(QUICK_SETTINGS), QUICK_USAGE) + QUICK_REST;
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
