#!/usr/bin/env bash
# Finds the aiotest that the action is to run, or downloads it and verifies its checksum. The inputs of action.yml
# are in variables INPUT_…; the output `executable` is its path.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=.github/action/commands.sh
source "$here/commands.sh"

one_line working-directory "$INPUT_WORKING_DIRECTORY"
one_line executable "$INPUT_EXECUTABLE"
one_line version "$INPUT_VERSION"
one_line release-url "$INPUT_RELEASE_URL"
[[ -d $INPUT_WORKING_DIRECTORY ]] || invalid "working-directory: there is no directory $INPUT_WORKING_DIRECTORY"

if [[ -n $INPUT_EXECUTABLE ]]; then
  found=$(cd -- "$INPUT_WORKING_DIRECTORY" && command -v -- "$INPUT_EXECUTABLE") ||
    invalid "executable: $INPUT_EXECUTABLE is not a program on this runner"
  # A path that is relative to the working directory becomes absolute.
  case $found in
    */*) found=$(cd -- "$INPUT_WORKING_DIRECTORY" && cd -- "$(dirname -- "$found")" && pwd)/$(basename -- "$found") ;;
  esac
  output executable "$found"
  exit 0
fi

version=${INPUT_VERSION#v}
if [[ -z $version ]]; then
  version=$(sed -n 's/^  "version": "\([^"]*\)",$/\1/p' "$here/../../deno.json")
fi
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] ||
  invalid "version: expected a version like 0.1.0, but found $version"

suffix=
case ${RUNNER_OS-}-${RUNNER_ARCH-} in
  Linux-X64) platform=linux-x64 ;;
  Linux-ARM64) platform=linux-arm64 ;;
  macOS-X64) platform=macos-x64 ;;
  macOS-ARM64) platform=macos-arm64 ;;
  # Windows on ARM runs programs for Intel and AMD.
  Windows-X64 | Windows-ARM64) platform=windows-x64 suffix=.exe ;;
  *) invalid "There is no executable for this runner (${RUNNER_OS-}, ${RUNNER_ARCH-}): set the input executable." ;;
esac
name=aiotest-$version-$platform$suffix

url=$INPUT_RELEASE_URL
if [[ -z $url ]]; then
  # The runner keeps actions in folders named by their repositories.
  repository=${GITHUB_REPOSITORY-}
  if [[ $GITHUB_ACTION_PATH =~ [/\\]_actions[/\\]([^/\\]+)[/\\]([^/\\]+)[/\\] ]]; then
    repository=${BASH_REMATCH[1]}/${BASH_REMATCH[2]}
  fi
  url=${GITHUB_SERVER_URL:-https://github.com}/$repository/releases/download/v$version
fi
# A redirect must not lead away from HTTPS.
protocols==https
[[ $url == http://* ]] && protocols==http,https

folder=$(mktemp -d "$RUNNER_TEMP/aiotest-XXXXXX")
download() { # download NAME FILE
  curl --fail --silent --show-error --location --retry 3 --proto "$protocols" \
    --output "$2" -- "${url%/}/$1" || invalid "Cannot download $1 from $url"
}
download SHA256SUMS "$folder/SHA256SUMS"
download "$name" "$folder/aiotest$suffix"

expected=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$folder/SHA256SUMS")
if command -v sha256sum >/dev/null; then
  actual=$(sha256sum <"$folder/aiotest$suffix")
else
  actual=$(shasum --algorithm 256 <"$folder/aiotest$suffix")
fi
actual=${actual%% *}
if [[ $actual != "$expected" ]]; then
  rm -rf -- "$folder"
  invalid "The checksum of $name is $actual, but SHA256SUMS has ${expected:-none}."
fi
chmod +x "$folder/aiotest$suffix"
# Later steps of the job can run it, too.
printf '%s\n' "$folder" >>"$GITHUB_PATH"
output executable "$folder/aiotest$suffix"
