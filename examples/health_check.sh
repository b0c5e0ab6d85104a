#!/usr/bin/env bash
# Checks this machine: disk, memory, load, clock, open files and, if CAUCE_URL is set, that the agent listens there.
#
#   health_check.sh          a table for people
#   health_check.sh --json   {timestamp, hostname, checks: [{name, status, message}], summary} for programs
#
# Exit code: 0 when nothing failed, 1 otherwise. Needs no root, prints no secret, leaves out what the system does not tell.
#
#   CAUCE_STATE   the folder whose disk is checked besides / (default: ./var, if it is there)
#   CAUCE_URL     where the agent listens, such as http://127.0.0.1:8000; it is never printed
#   DISK_WARN DISK_FAIL MEMORY_WARN MEMORY_FAIL LOAD_WARN LOAD_FAIL FILES_WARN FILES_FAIL   thresholds, see below
set -u
export LC_ALL=C

names=() statuses=() messages=()

add() { # name, pass|warn|fail, message
  names+=("$1") statuses+=("$2") messages+=("$3")
}

# Prints fail, warn or pass: at_least VALUE WARN FAIL (high is bad), at_most VALUE WARN FAIL (low is bad).
at_least() { awk -v v="$1" -v w="$2" -v f="$3" 'BEGIN { print (v >= f) ? "fail" : (v >= w) ? "warn" : "pass" }'; }
at_most() { awk -v v="$1" -v w="$2" -v f="$3" 'BEGIN { print (v <= f) ? "fail" : (v <= w) ? "warn" : "pass" }'; }

check_disk() { # name, folder
  local used free status
  read -r used free < <(df -Pk -- "$2" 2>/dev/null | awk 'NR == 2 { sub(/%/, "", $5); print $5, int($4 / 1048576) }')
  if [[ ! ${used:-} =~ ^[0-9]+$ ]]; then
    add "$1" fail "cannot read the disk usage of $2"
    return
  fi
  status=$(at_least "$used" "${DISK_WARN:-85}" "${DISK_FAIL:-95}")
  if [[ ! -w $2 && $1 != disk_root ]]; then
    add "$1" fail "$used% used, but $2 may not be written to"
  else
    add "$1" "$status" "$used% used, $free GiB free on $2"
  fi
}

check_memory() {
  local percent megabytes
  [[ -r /proc/meminfo ]] || return 0
  read -r percent megabytes < <(awk '/^MemTotal:/ { t = $2 } /^MemAvailable:/ { a = $2 } END { if (t > 0) print int(a * 100 / t), int(a / 1024) }' /proc/meminfo)
  [[ -n ${percent:-} ]] || return 0
  add memory "$(at_most "$percent" "${MEMORY_WARN:-10}" "${MEMORY_FAIL:-5}")" "$percent% available, $megabytes MiB"
}

check_load() {
  local load cores per_core
  [[ -r /proc/loadavg ]] || return 0
  read -r _ load _ < /proc/loadavg # over five minutes: one busy minute is no illness
  cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
  per_core=$(awk -v l="$load" -v c="$cores" 'BEGIN { printf "%.2f", l / (c > 0 ? c : 1) }')
  add load "$(at_least "$per_core" "${LOAD_WARN:-2}" "${LOAD_FAIL:-6}")" "$per_core per core over 5 minutes, $cores cores"
}

check_clock() {
  local now written uptime
  now=$(date +%s)
  written=$(stat -c %Y -- "${BASH_SOURCE[0]}" 2>/dev/null || stat -f %m -- "${BASH_SOURCE[0]}" 2>/dev/null || echo 0)
  uptime=$(cut -d. -f1 /proc/uptime 2>/dev/null || echo 0)
  if ((now < 1735689600 || now > 4102444800)); then
    add clock fail "the year is $(date -u +%Y)"
  elif ((written > now + 60)); then
    add clock warn "the clock is behind: this script is from the future"
  else
    add clock pass "$(date -u +%Y-%m-%dT%H:%M:%SZ)$( ((uptime > 0)) && echo ", up for $((uptime / 3600)) h")"
  fi
}

check_open_files() {
  local limit used most
  limit=$(ulimit -Sn)
  if [[ $limit == unlimited ]]; then
    add open_files pass "no limit"
    return
  fi
  if [[ -r /proc/sys/fs/file-nr ]]; then
    read -r used _ most < /proc/sys/fs/file-nr
    if [[ ${#most} -le 15 ]] && ((most > 0 && used * 100 / most >= 90)); then
      add open_files fail "the machine has $used of $most files open"
      return
    fi
  fi
  add open_files "$(at_most "$limit" "${FILES_WARN:-512}" "${FILES_FAIL:-128}")" "at most $limit in a process"
}

check_agent() {
  local url=${CAUCE_URL:-} rest host port within=()
  [[ -n $url ]] || return 0
  rest=${url#*://} rest=${rest%%/*} rest=${rest##*@}
  host=${rest%:*} port=${rest##*:}
  if [[ $port == "$rest" ]]; then port=80; fi
  host=${host#[} host=${host%]}
  command -v timeout >/dev/null && within=(timeout 0.9)
  if ${within[@]+"${within[@]}"} bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$host" "$port" 2>/dev/null; then
    add agent pass "it listens"
  else
    add agent fail "nothing listens at CAUCE_URL"
  fi
}

check_disk disk_root /
state=${CAUCE_STATE:-./var}
[[ -d $state ]] && check_disk disk_state "$state"
check_memory
check_load
check_clock
check_open_files
check_agent

total=${#names[@]} passed=0 warned=0 failed=0
for status in "${statuses[@]}"; do
  case $status in
    pass) passed=$((passed + 1)) ;;
    warn) warned=$((warned + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
done
if ((failed > 0)); then health=unhealthy; else health=healthy; fi

quote() { # as a JSON string
  local text=$1
  text=${text//\\/\\\\} text=${text//\"/\\\"} text=${text//$'\n'/\\n} text=${text//$'\t'/\\t}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}

if [[ ${1:-} == --json ]]; then
  printf '{"timestamp":%s,"hostname":%s,"checks":[' "$(quote "$(date -u +%Y-%m-%dT%H:%M:%SZ)")" "$(quote "${HOSTNAME:-$(uname -n)}")"
  for i in "${!names[@]}"; do
    ((i > 0)) && printf ','
    printf '{"name":%s,"status":"%s","message":%s}' "$(quote "${names[i]}")" "${statuses[i]}" "$(quote "${messages[i]}")"
  done
  printf '],"summary":{"total":%d,"passed":%d,"warned":%d,"failed":%d,"status":"%s"}}\n' "$total" "$passed" "$warned" "$failed" "$health"
else
  for i in "${!names[@]}"; do
    printf '%-12s %-5s %s\n' "${names[i]}" "${statuses[i]}" "${messages[i]}"
  done
  printf '%-12s %-5s %s of %s passed\n' total "$health" "$passed" "$total"
fi
((failed == 0))
