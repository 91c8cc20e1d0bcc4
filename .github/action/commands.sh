# What the scripts of the action have in common: commands to the runner, and outputs.
# They run in bash 3.2 and later, which is what macOS has.

# escaped TEXT: the text as the message of a command to the runner, on one line.
escaped() {
  local text=$1
  text=${text//\%/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '%s' "$text"
}

# markdown TEXT: the text as Markdown, in which none of its characters has a meaning.
markdown() {
  printf '%s' "$1" | LC_ALL=C awk '
    BEGIN { for (code = 33; code < 127; code++) codes[sprintf("%c", code)] = code }
    {
      for (at = 1; at <= length($0); at++) {
        one = substr($0, at, 1)
        printf "%s", one in codes && one !~ /[A-Za-z0-9,()-]/ ? "&#" codes[one] ";" : one
      }
    }'
}

# error TITLE TEXT: shows an error with the job. The title is a constant.
error() {
  printf '::error title=%s::%s\n' "$1" "$(escaped "$2")"
}

# invalid TEXT: ends the step because of an input, as aiotest does.
invalid() {
  error "aiotest" "$1"
  exit 2
}

# one_line NAME VALUE: ends the step if the value of an input has several lines.
one_line() {
  case $2 in
    *[$'\r\n']*) invalid "The input $1 must be a single line." ;;
  esac
}

# output NAME VALUE: sets an output of the step. The value is a single line.
output() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}
