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
  *) invalid "fail-on-regression: expected true or false, but found $INPUT_FAIL_ON_REGRESSION" ;;
esac
[[ $INPUT_MAX_REGRESSION =~ ^([0-9]+(\.[0-9]*)?|\.[0-9]+)%$ ]] ||
  invalid "max-regression: expected a percentage like 5%, but found $INPUT_MAX_REGRESSION"
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

[[ ! -d $json ]] || invalid "json: expected the name of a file, but $INPUT_JSON is a directory"

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

# aiotest leaves the summary of an earlier run where it is if it cannot start.
[[ ! -f $json ]] || cp -- "$json" "$folder/earlier.json" || invalid "json: cannot read $INPUT_JSON"

# logged NAME COMMAND …: runs a command, and keeps a copy of what it writes to standard error.
logged() {
  { "${@:2}" 2>&1 >&3 3>&- | tee "$folder/$1.err" >&2 3>&-; } 3>&1
}

# Nothing that aiotest prints is a command to the runner: names and errors may come from the target.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$token"
code=0
logged run "$EXECUTABLE" "${arguments[@]}" || code=$?
# Every summary has the ID of its run, so it differs from that of an earlier one.
written=
if [[ -f $json && -s $json ]] && ! cmp -s -- "$json" "$folder/earlier.json"; then written=$json; fi

# figure PATH: a value of the summary, which has each value on a line of its own, indented by its depth.
figure() {
  [[ -z $written ]] || awk -v path="$1" '
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
    }' "$written"
}

compared=
# A run that did not start has nothing to compare.
if [[ -n $baseline && -f $baseline && -n $written && $(figure startedAt) != null ]]; then
  compared=0
  logged comparison "$EXECUTABLE" compare "$baseline" "$json" "--max-regression=$INPUT_MAX_REGRESSION" \
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

# reason NAME: the last error that a command wrote, without the name of the program.
reason() {
  local text
  text=$(sed -n 's/^aiotest: //p' "$folder/$1.err" | tail -n 1)
  [[ -n $text ]] || text=$(sed '/^[[:space:]]*$/d' "$folder/$1.err" | tail -n 1)
  printf '%s' "${text:0:400}"
}

# report NAME TITLE: appends a report to the job's summary, or says why there is none.
report() {
  local why
  if [[ -s $folder/$1.md ]]; then
    { cat "$folder/$1.md" && printf '\n'; } >>"$GITHUB_STEP_SUMMARY"
  else
    why=$(reason "$1")
    printf '## ❌ %s\n\n%s\n\n' "$2" "$(markdown "${why:-There is no report.}")" >>"$GITHUB_STEP_SUMMARY"
    error aiotest "$2${why:+: $why}"
  fi
}

report run "aiotest ended with exit code $code"
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
  why=
  # What made a run fail is the last error, after its report: the run itself, or a file that was not written.
  if grep -q '^- ⚠️ The run failed: ' "$folder/run.md"; then
    why=$(reason run)
  elif grep -q '^The exit code is ' "$folder/run.err"; then
    why=$(reason run)
    printf '❌ %s\n\n' "$(markdown "$why")" >>"$GITHUB_STEP_SUMMARY"
  fi
  if ((code != 0 && crossed == 0)); then
    error aiotest "$(plain "$(sed -n 3p "$folder/run.md")")${why:+: $why}"
  fi
fi

regression=
if [[ -n $compared ]]; then
  report comparison "aiotest compare ended with exit code $compared"
  ((compared != 0)) || regression=false
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

output exit-code "$code"
output summary "${written:+$INPUT_JSON}"
output requests "$(figure totals.requests)"
output failures "$(figure totals.failures)"
output rate "$(figure totals.rate)"
for percentile in p50 p95 p99; do
  output "$percentile" "$(figure "totals.latencyMs.$percentile")"
done
output regression "$regression"
exit "$code"
