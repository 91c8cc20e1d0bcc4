#!/bin/sh
# Fails a CI job if the service is too slow, has errors, or has become slower than the baseline.
#
# Exit codes: 0 all is well; 1 no request was answered at all, or a report could not be written; 2 aiotest could
# not start, or the baseline cannot be read; 3 a threshold was crossed, or there is a regression.
set -eu

# The first command that fails ends the script with its exit code.
aiotest -f examples/basic.ts -H "$TARGET" -u 20 -r 20 -t "${RUN_TIME:-60s}" \
  --exit-code-on-error 0 --threshold "error_rate<1%" --threshold "p95<2s" \
  --json result.json --junit result.xml

if [ -f baseline.json ]; then
  aiotest compare baseline.json result.json --max-regression 10% --json comparison.json
else
  echo "There is no baseline.json. To make this run the baseline: cp result.json baseline.json"
fi
