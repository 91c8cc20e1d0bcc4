import type { Option } from "commander";
import { flagParser } from "./flag_parser.ts";

/** Characters in a line of help: what every terminal shows. */
const WIDTH = 80;

const REST = `
Every option may also be given in the environment (AIOTEST_RUN_TIME=3m) and in
the file that --config names (run-time = "3m"). Flags win over the environment,
and that over the file.

Examples:
  aiotest demo
  aiotest -f shop_test.ts -H http://127.0.0.1:8000 -u 100 -r 10 -t 3m
  aiotest -f shop_test.ts -u 100 -t 3m --tags checkout --json summary.json
`;

/** What `--help` prints. */
export function helpText(options: readonly Option[]): string {
  return flagParser(options)
    .usage(
      "[options]         run the test file\n       aiotest demo [options]    test a target of its own",
    )
    .configureHelp({
      helpWidth: WIDTH,
      // Of two long spellings, the second is the flag's name.
      optionTerm: ({ flags }) => flags.replace(/^--[\w-]+, (?=--)/, ""),
    })
    .helpInformation() + REST;
}
