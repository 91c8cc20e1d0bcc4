/** The version of aiotest, as in reports and `--version`. */
export const VERSION = "0.1.0";
