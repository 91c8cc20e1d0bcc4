#!/bin/sh
# Says whether the aiotest of this container is well; the image has it as its HEALTHCHECK. Exit code 0
# where it is; otherwise 1, and a line that says why. It reads what the system knows and talks to nobody:
# it costs next to nothing beside a running test, and is never logged as a stranger at the master's port.
#
# any role  there is an aiotest, and it is not stopped
# master    its port is open, and it takes the connections that arrive there
# worker    it has a connection to its master, who hangs up on workers that fall silent
set -u

unwell() {
  echo "$1"
  exit 1
}

found=
for folder in /proc/[0-9]*; do
  # A process may be gone by now.
  { read -r _ name state _ <"$folder/stat"; } 2>/dev/null || continue
  [ "$name" = "(aiotest)" ] || continue
  found=1
  case $state in
    [TtZX]) unwell "process ${folder#/proc/} is stopped" ;;
  esac
done
[ -n "$found" ] || unwell "there is no aiotest"

# Role and port stand in the arguments or in the environment; one that stands in a file is not seen.
master=${AIOTEST_MASTER:-}
worker=${AIOTEST_WORKER:-}
bind_port=${AIOTEST_MASTER_BIND_PORT:-5557}
master_port=${AIOTEST_MASTER_PORT:-5557}
before=
set -f # an argument may look like a pattern of file names
for argument in $(tr '\0' '\n' </proc/1/cmdline); do
  case $before in
    --master-bind-port) bind_port=$argument ;;
    --master-port) master_port=$argument ;;
  esac
  case $argument in
    --master) master=1 ;;
    --worker) worker=1 ;;
    --master-bind-port=*) bind_port=${argument#*=} ;;
    --master-port=*) master_port=${argument#*=} ;;
  esac
  before=$argument
done

is_on() {
  case $1 in
    '' | 0 | [Nn][Oo] | [Ff][Aa][Ll][Ss][Ee]) return 1 ;;
  esac
}

# The kernel's tables of sockets have addresses as HEX:PORT, with the port as four digits.
sockets() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }

# What is at the master's port: nothing, or how many connections wait to be taken, in hexadecimal.
waiting() {
  sockets | while read -r _ here _ state queues _; do
    case $here/$state in
      *:"$1"/0A) echo "${queues#*:}" && break ;;
    esac
  done
}

has_master() {
  sockets | {
    while read -r _ _ there state _; do
      case $there/$state in
        *:"$1"/01) exit 0 ;;
      esac
    done
    exit 1
  }
}

if is_on "$master" && [ "$bind_port" != 0 ]; then
  port=$(printf %04X "$bind_port")
  case $(waiting "$port") in
    '') unwell "nobody listens at the master's port $bind_port" ;;
    00000000) ;;
    *)
      # They may have come this very moment.
      sleep 2
      [ "$(waiting "$port")" = 00000000 ] || unwell "the master takes no connections"
      ;;
  esac
elif is_on "$worker"; then
  has_master "$(printf %04X "$master_port")" || unwell "the worker has no master"
fi
