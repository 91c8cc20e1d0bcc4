#!/usr/bin/env bash
# Runs a load test, writes its results into the job's summary, and ends with its exit code. The inputs of
# action.yml are in variables INPUT_…, and EXECUTABLE is the path of aiotest.
set -euo pipefail
# shellcheck source=.github/action/commands.sh
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

one_line json "$INPUT_JSON"
one_line baseline "$INPUT_BASELINE"
case $INPUT_FAIL_ON_REGRESSION in
  true | false) ;;
  *) invalid "fail-on-regression: expected true or false" ;;
esac
[[ -n $INPUT_JSON ]] || invalid "json: expected the name of a file"
cd -- "$INPUT_WORKING_DIRECTORY"

# relative PATH: a path that no program takes for an option.
relative() {
  case $1 in
    -*) printf './%s' "$1" ;;
    *) printf '%s' "$1" ;;
  esac
}
json=$(relative "$INPUT_JSON")
baseline=$(relative "$INPUT_BASELINE")
[[ -z $baseline || ! $baseline -ef $json ]] ||
  invalid "baseline: $baseline is also the file of the input json, which the run replaces"

folder=$(mktemp -d "$RUNNER_TEMP/aiotest-XXXXXX")
trap 'rm -rf -- "$folder"' EXIT

# lines TEXT: the lines of an input without blanks around them, and without empty ones.
lines() {
  printf '%s\n' "$1" | sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d'
}
arguments=()
while IFS= read -r line; do arguments+=("$line"); done < <(lines "$INPUT_ARGS")
# With the value in the same argument, no value is taken for an option.
option() { # option NAME VALUE
  [[ -z $2 ]] || arguments+=("--$1=$2")
}
option aiotestfile "$INPUT_FILE"
option host "$INPUT_HOST"
option users "$INPUT_USERS"
option rate "$INPUT_RATE"
option arrival-rate "$INPUT_ARRIVAL_RATE"
option run-time "$INPUT_RUN_TIME"
while IFS= read -r line; do option threshold "$line"; done < <(lines "$INPUT_THRESHOLDS")
# If they are also among the further options, these last ones apply.
arguments+=(--no-web "--json=$json" "--markdown=$folder/run.md")

# On Windows, bash would take values that begin with a slash for paths, and change them.
export MSYS2_ARG_CONV_EXCL='*'

# Nothing that aiotest prints is a command to the runner: names and errors may come from the target.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$token"
code=0
"$EXECUTABLE" "${arguments[@]}" || code=$?
compared=
if [[ -n $baseline && -f $baseline && -s $json ]]; then
  compared=0
  "$EXECUTABLE" compare "$baseline" "$json" "--max-regression=$INPUT_MAX_REGRESSION" \
    "--markdown=$folder/comparison.md" || compared=$?
fi
printf '::%s::\n' "$token"

# plain MARKDOWN: the text of one line of a report.
plain() {
  local text=$1 character entity='&#([0-9]+);'
  text=${text//<code>/}
  text=${text//<\/code>/}
  while [[ $text =~ $entity ]]; do
    printf -v character '%b' "\\x$(printf '%x' "${BASH_REMATCH[1]}")"
    text=${text%%"${BASH_REMATCH[0]}"*}$'\x01'$character${text#*"${BASH_REMATCH[0]}"}
  done
  printf '%s' "${text//$'\x01'/}"
}

# report NAME: appends a report to the job's summary, or says why there is none.
report() {
  if [[ -s $folder/$1.md ]]; then
    { cat "$folder/$1.md" && printf '\n'; } >>"$GITHUB_STEP_SUMMARY"
  else
    printf '## ❌ %s\n\n' "$2" >>"$GITHUB_STEP_SUMMARY"
    error aiotest "$2"
  fi
}

report run "aiotest ended with exit code $code and without a report. The log of the step says why."
crossed=0
row='^\| (<code>.*</code>) \| (.*) \| ❌ crossed \|$'
if [[ -s $folder/run.md ]]; then
  while IFS= read -r line; do
    if [[ $line =~ $row ]]; then
      error "Threshold crossed" "$(plain "${BASH_REMATCH[1]}: ${BASH_REMATCH[2]}")"
      crossed=$((crossed + 1))
    fi
    # The runner shows ten errors of a step.
    ((crossed < 9)) || break
  done <"$folder/run.md"
  if ((code != 0 && crossed == 0)); then
    error aiotest "$(plain "$(sed -n 3p "$folder/run.md")")"
  fi
fi

regression=
if [[ -n $compared ]]; then
  report comparison "aiotest compare ended with exit code $compared and without a report. The log says why."
  regression=false
  if ((compared == 3)); then
    regression=true
    [[ $INPUT_FAIL_ON_REGRESSION == true ]] || compared=0
    ((compared == 0)) ||
      error "Worse than the baseline" "$(plain "$(sed -n 3p "$folder/comparison.md")")"
  fi
  ((code != 0)) || code=$compared
elif [[ -n $baseline && ! -f $baseline ]]; then
  printf '::notice title=aiotest::%s\n' "$(escaped "There is no baseline yet: $baseline")"
fi

# figure PATH: a number of the summary, which has each value on a line of its own, indented by its depth.
figure() {
  [[ ! -s $json ]] || awk -v path="$1" '
    BEGIN { depth = split(path, keys, "."); at = 1 }
    {
      indent = sprintf("%" (2 * at) "s", "")
      start = indent "\"" keys[at] "\": "
      if (index($0, start) == 1) {
        if (at == depth) {
          value = substr($0, length(start) + 1)
          sub(/,$/, "", value)
          print value
          exit
        }
        at++
      }
    }' "$json"
}

output exit-code "$code"
output summary "$([[ ! -s $json ]] || printf '%s' "$INPUT_JSON")"
output requests "$(figure totals.requests)"
output failures "$(figure totals.failures)"
output rate "$(figure totals.rate)"
for percentile in p50 p95 p99; do
  output "$percentile" "$(figure "totals.latencyMs.$percentile")"
done
output regression "$regression"
exit "$code"
