#!/bin/sh
# The HEALTHCHECK of the image. Exits with code 0 if aiotest is healthy, otherwise with code 1 and one
# line that says why. It only reads /proc and sends nothing to aiotest, so it costs almost nothing during
# a test, and the master does not log it as an unknown connection.
#
# any role  aiotest is running and not suspended
# master    its port is open, and it accepts connections
# worker    it is connected to its master, which disconnects workers that stop responding
set -u

unhealthy() {
  echo "$1"
  exit 1
}

found=
for folder in /proc/[0-9]*; do
  # The process may have ended since.
  { read -r _ name state _ <"$folder/stat"; } 2>/dev/null || continue
  [ "$name" = "(aiotest)" ] || continue
  found=1
  case $state in
    [TtZX]) unhealthy "process ${folder#/proc/} is suspended" ;;
  esac
done
[ -n "$found" ] || unhealthy "aiotest is not running"

# Role and port are read from the arguments and the environment. A --config file is not read.
master=${AIOTEST_MASTER:-}
worker=${AIOTEST_WORKER:-}
bind_port=${AIOTEST_MASTER_BIND_PORT:-5557}
master_port=${AIOTEST_MASTER_PORT:-5557}
before=
set -f # an argument may look like a file name pattern
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

# The kernel's socket tables list addresses as HEX:PORT. The port has four hexadecimal digits.
sockets() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }

# Prints how many connections wait to be accepted on a port, in hexadecimal; nothing if it is not open.
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
    '') unhealthy "the master is not listening on port $bind_port" ;;
    00000000) ;;
    *)
      # They may have arrived just now.
      sleep 2
      [ "$(waiting "$port")" = 00000000 ] || unhealthy "the master does not accept connections"
      ;;
  esac
elif is_on "$worker"; then
  has_master "$(printf %04X "$master_port")" || unhealthy "the worker is not connected to a master"
fi
